"""A model of the lease protocol: every order of its events, and the real SQL beside it."""
