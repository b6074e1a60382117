"""What it costs, beside what others cost: see ``docs/benchmarks.md``."""
