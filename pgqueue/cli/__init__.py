"""The command line: `pgqueue`, one file for each group of commands."""

from pgqueue.cli.app import main

__all__ = ["main"]
