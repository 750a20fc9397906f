"""Events and log records turned into what people and machines read."""
