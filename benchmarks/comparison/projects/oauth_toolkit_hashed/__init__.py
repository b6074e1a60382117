"""A project with django-oauth-toolkit and hashed tokens."""
