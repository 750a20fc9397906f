"""Connections to PostgreSQL: our own, and the caller's that a job joins."""
