"""How soon a revocation is seen: real servers, real processes, a real PostgreSQL.

``python -m proofs.revocation`` runs all of it and writes ``docs/proofs/revocation.md``.
"""
