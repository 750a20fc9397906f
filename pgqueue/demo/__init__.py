"""A small application that uses pgqueue on real input; `pgqueue demo` runs and checks it.

It is written as a user's application is: it reaches its own tables with psycopg, and pgqueue
through the public names only.
"""
