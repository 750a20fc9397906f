"""The only package with SQL statements, and the connections that run them."""
