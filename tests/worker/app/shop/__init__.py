"""An application under test."""
