"""The package that a worker is told."""
