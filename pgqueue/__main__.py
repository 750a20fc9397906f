"""`python -m pgqueue` is `pgqueue`."""

import sys

from pgqueue.cli.launch import launch

sys.exit(launch())
