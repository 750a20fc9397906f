"""The lease protocol as a model: every interleaving of it, and the real SQL beside it."""
