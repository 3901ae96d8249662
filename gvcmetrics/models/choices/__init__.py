"""Models of a choice among alternatives that have attributes: conditional, nested and mixed logit."""
