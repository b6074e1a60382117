"""Virtual browsers and thieves against the rules of refresh: see ``docs/proofs/simulation.md``."""
