"""A project with this package."""
