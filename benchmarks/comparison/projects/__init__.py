"""One project for each package: its settings, its URLs and how a client talks to it."""
