"""A project with djangorestframework-simplejwt."""
