"""A small application that uses pgqueue on real input: what `pgqueue demo` runs and checks.

It stands outside the house, as a user's code does: it speaks to its own tables with psycopg
and to pgqueue through the public names only.
"""
