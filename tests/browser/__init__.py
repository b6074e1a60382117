"""The client tokenauth.js in a real browser, against a real server, over a bad network."""
