"""Every kind of value, every place it can stand in, and every way it can get there."""
