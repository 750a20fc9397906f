"""The package whose tasks a worker loads."""
