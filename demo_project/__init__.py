"""A small project around `tokenauth`: one page, one protected endpoint, the admin."""
