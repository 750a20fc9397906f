"""The application whose connections are hurt; its tasks tell a ledger outside the database."""
