"""The only room that speaks SQL: statements, connections, migrations."""
