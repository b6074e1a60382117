#!/usr/bin/env python3
"""Check the branch coverage of each file: `coverage json -o FILE`, then this with FILE.

Where an untested branch is an open door, nothing less than every branch will do.
"""

import json
import sys
from pathlib import Path

EVERY_BRANCH = (
    "tokenauth/cookies.py",
    "tokenauth/credentials.py",
    "tokenauth/csrf.py",
    "tokenauth/deferred.py",
    "tokenauth/guessing/",
    "tokenauth/protocol.py",
    "tokenauth/second_step.py",
    # The domain: sessions.py and the files it is made of.
    "tokenauth/issuing.py",
    "tokenauth/revocation.py",
    "tokenauth/rotation.py",
    "tokenauth/sessions.py",
    "tokenauth/tokens/",
)
ELSEWHERE = 95.0


def main(report: str) -> int:
    """Print the files below their threshold; return how many there are."""
    low = 0
    for name, file in sorted(json.loads(Path(report).read_text())["files"].items()):
        wanted = 100.0 if name.startswith(EVERY_BRANCH) else ELSEWHERE
        covered = file["summary"]["percent_covered"]
        if covered < wanted:
            low += 1
            branches = [f"{start}->{end}" for start, end in file["missing_branches"]]
            print(f"{name}: {covered:.1f} % of {wanted:.0f} %")
            print(f"    lines {file['missing_lines']}, branches {branches}")
    print(f"{low} files are below their threshold")
    return low


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
