"""The speed of pgqueue, by its goals: ratios of two measurements in one run, and bounds."""
