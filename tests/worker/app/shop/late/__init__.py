"""Modules that no worker imports before a row names them."""
