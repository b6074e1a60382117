"""An app with a user model of its own: e-mail to log in, a UUID as key."""
