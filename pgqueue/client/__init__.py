"""Put jobs in, ask about them, steer them: verbs for programs, command line and pages."""
