"""A project with django-ninja-jwt."""
