"""Raw files in every format as tables of texts that an engine reads lazily."""
