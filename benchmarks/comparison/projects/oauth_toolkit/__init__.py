"""A project with django-oauth-toolkit."""
