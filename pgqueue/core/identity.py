"""Identities that no counter hands out.

A counter of the database can be reset, restored or replaced together with it. Two processes would
then have one identity, and each would end the other's workers and settle the other's jobs.
"""

import secrets

# JSON readers that know only floating-point numbers, JavaScript above all, read such an id exactly.
_ID_LIMIT = 2**53


def random_id() -> int:
    """A new identity below 2**53, from the operating system's source of randomness."""
    return 1 + secrets.randbelow(_ID_LIMIT - 1)
