"""Every kind of value, every part of a job that takes one, and every way of enqueueing."""
