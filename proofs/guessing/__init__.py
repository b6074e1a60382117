"""What an attacker gets who guesses passwords, and whether the owner gets in meanwhile.

``python -m proofs.guessing --write`` runs all of it and writes ``docs/proofs/guessing.md``.
"""
