"""The database schema: migrations, their revisions, and the database roles."""
