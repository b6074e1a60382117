"""Chaos: a real server and a real database that are killed all the time, and what must still hold.

``python -m proofs.chaos`` runs it; ``docs/proofs/chaos.md`` says what it does and what it found.
"""
