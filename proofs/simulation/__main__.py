"""``python -m proofs.simulation``: run all cells, write the figures into the docs."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

from proofs.simulation.cells import all_cells
from proofs.simulation.figures import Results
from proofs.simulation.report import write_docs
from proofs.simulation.run import run_cell

DOCS = Path(__file__).parents[2] / "docs" / "proofs"
SEED = 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proofs.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of it; docs untouched")
    parser.add_argument("--seed", type=int, default=SEED, help="(default: %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--only", default="", help="cells whose name begins so; docs untouched")
    parser.add_argument("--again", action="store_true", help="forget what was simulated before")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    whole = not arguments.quick and not arguments.only
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if arguments.quick else DOCS
        path = folder / "simulation.json"
        if arguments.again:
            path.unlink(missing_ok=True)
        results = Results(path, arguments.seed)
        with multiprocessing.Pool(arguments.processes) as pool:
            for cell in all_cells(quick=arguments.quick):
                if results.has(cell) or not cell.name.startswith(arguments.only):
                    continue
                began = time.perf_counter()
                results.add(cell, run_cell(cell, arguments.seed, pool))
                found = results.cells[cell.name]
                told = found.get("outcomes", found.get("logouts"))
                print(f"{time.perf_counter() - began:6.1f} s  {cell.name}: {told}", flush=True)
    if whole:
        write_docs(results, DOCS)
        print(f"written: {DOCS / 'simulation.md'}")


if __name__ == "__main__":
    main()
