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
QUICK = 50
FILE = "simulation.json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proofs.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of it; docs untouched")
    parser.add_argument("--part", type=int, default=1, metavar="N", help="an Nth of the days")
    parser.add_argument("--seed", type=int, default=SEED, help="(default: %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--only", default="", metavar="NAME", help="cells whose name begins so")
    parser.add_argument("--again", action="store_true", help="forget what was simulated before")
    return parser.parse_args()


def _simulate(arguments: argparse.Namespace, results: Results) -> None:
    part = QUICK if arguments.quick else arguments.part
    with multiprocessing.Pool(arguments.processes) as pool:
        for cell in all_cells(part):
            if results.has(cell) or not cell.name.startswith(arguments.only):
                continue
            began = time.perf_counter()
            results.add(cell, run_cell(cell, arguments.seed, pool))
            found = results.cells[cell.name]
            told = found.get("outcomes", found.get("logouts"))
            print(f"{time.perf_counter() - began:6.1f} s  {cell.name}: {told}", flush=True)


def main() -> None:
    arguments = _arguments()
    if arguments.quick:
        with tempfile.TemporaryDirectory() as scratch:
            _simulate(arguments, Results(Path(scratch) / FILE, arguments.seed))
        return
    if arguments.again:
        (DOCS / FILE).unlink(missing_ok=True)
    results = Results(DOCS / FILE, arguments.seed)
    _simulate(arguments, results)
    write_docs(results, DOCS)
    print(f"written: {DOCS / 'simulation.md'}")


if __name__ == "__main__":
    main()
