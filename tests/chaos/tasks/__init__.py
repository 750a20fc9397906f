"""The application of the workers: every kind of task; each records its runs in the ledger."""
