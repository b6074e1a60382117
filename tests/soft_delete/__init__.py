"""A project whose users are deleted softly, and shown on a page of their own."""
