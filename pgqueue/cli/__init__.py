"""The command line: `pgqueue`, one file for each group of commands."""
