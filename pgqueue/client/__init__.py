"""The verbs of one database by noun, for programs, the command line and pages alike."""
