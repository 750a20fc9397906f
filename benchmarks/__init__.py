"""How fast pgqueue is, by its goals: ratios of what takes turns in one run, and bounds."""
