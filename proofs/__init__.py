"""What the project promises, as programs that anyone can run: see ``docs/proofs.md``."""
