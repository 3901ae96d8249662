"""One small renderer per format; each takes a Table and gives text or bytes, and touches no file."""
