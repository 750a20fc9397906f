"""`python -m pgqueue` is `pgqueue`."""

import sys

from pgqueue.cli import main

sys.exit(main())
