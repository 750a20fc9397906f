"""`python -m pgqueue` is `pgqueue`."""

from pgqueue.cli.launch import launch

launch()
