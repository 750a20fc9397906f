"""A module that leaves its import by an error that is no Exception."""

raise KeyboardInterrupt
