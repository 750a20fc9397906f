"""Connections to PostgreSQL: our own, and a caller's, whose transaction a job joins."""
