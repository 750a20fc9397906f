"""The supervisor, its children, their leases and the channel between them."""
