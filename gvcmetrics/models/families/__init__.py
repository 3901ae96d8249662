"""One file a response: its kernel, all that it is, and the public function."""
