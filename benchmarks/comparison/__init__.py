"""What packages for API logins do when things go wrong, measured side by side.

``python -m benchmarks.comparison`` runs each package in a project and processes of its own, on
PostgreSQL, through the package's own HTTP views, and writes what it saw into
``docs/benchmarks/comparison.json``. The tables of ``docs/benchmarks/comparison.md`` and of the
README are made from that file and from nothing else; ``--check`` says whether they still are.
"""
