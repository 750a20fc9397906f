"""Staying alive: the supervisor, its children, their leases and the line between them."""
