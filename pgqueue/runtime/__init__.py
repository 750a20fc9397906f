"""What every door starts: a target database, and a supervisor with its maintenance.

The command line, a web framework and a test call this package alike. It prints nothing: a
message for a person is passed to the door.
"""
