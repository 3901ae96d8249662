"""Where raw files come from: catalogue, mirror, downloads, other packages."""
