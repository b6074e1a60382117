"""A project with dj-rest-auth."""
