"""Statements without one of their conditions, or with another lock, must fail a test."""
