"""What every indicator is: definition, steps, source and how to cite it, read off the measures themselves."""
