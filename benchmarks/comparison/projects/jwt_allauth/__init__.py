"""A project with django-jwt-allauth."""
