"""A project with drf-sessions."""
