"""What time does to jobs: rescue, timeouts, expiry, pruning; one function each, from rows alone."""
