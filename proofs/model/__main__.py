"""``python -m proofs.model``: explore everything; ``--mutate``: leave out one guard at a time."""

from __future__ import annotations

import argparse
import sys

def main() -> None:
    pass
