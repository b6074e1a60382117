"""The console in a real browser: a seeded project, its server, and what staff do there."""
