"""fixest's words of formulas, each written out in the words that every model reads."""
