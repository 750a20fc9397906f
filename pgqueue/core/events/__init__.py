"""Events: what happened, as frozen dataclasses, and who listens to them.

Log lines, numbers and integrations listen; nothing else observes. `event` holds `Event`, `emit` and
`listen`; the other modules hold the events by noun.
"""
