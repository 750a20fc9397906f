"""Lists by the filters that a person chose, one file for each noun: jobs, tasks, workers.

SQLAlchemy composes the text and never executes it. `client` reads reports for people; no worker
imports this package.
"""
