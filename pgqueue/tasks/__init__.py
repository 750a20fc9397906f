"""The decorator, tasks, their registry and loading, and the default client."""
