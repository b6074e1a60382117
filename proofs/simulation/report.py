"""Placeholder."""

from pathlib import Path
from proofs.simulation.figures import Results


def write_docs(results: Results, folder: Path) -> None:
    """Nothing yet."""
