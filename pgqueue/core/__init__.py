"""Words and pure rules, without I/O; every other package stands on them."""
