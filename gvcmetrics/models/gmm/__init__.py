"""Generalised method of moments for panels: instruments, moments, the public function."""
