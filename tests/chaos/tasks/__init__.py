"""The application that the workers run: every kind of task, each telling the ledger."""
