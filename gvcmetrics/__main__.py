"""`python -m gvcmetrics` is the command `gvcmetrics`."""

from gvcmetrics.cli import main

main()
