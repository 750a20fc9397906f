"""Three ways to run the attempts in hand, one for each kind of child.

Each has the same five verbs: `serve` (blocks the main thread until `close`), `kick` (something
waits), `close`, and the two that `Interrupts` reaches tasks by, `current` and `throw`.
"""
