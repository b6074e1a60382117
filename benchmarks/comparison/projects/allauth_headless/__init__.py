"""A project with django-allauth's headless API."""
