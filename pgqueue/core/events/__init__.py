"""Events: what happened, as frozen dataclasses.

Log lines, numbers and integrations listen to them; there is no other way to observe. `event` has
`Event`, `emit` and `listen`; the other modules have the events by noun.
"""
