"""A project with django-rest-knox."""
