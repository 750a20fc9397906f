"""The application of these tests; its tasks write to a ledger outside the database."""
