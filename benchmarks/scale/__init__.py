"""What size does to refresh and to clean-up, on PostgreSQL: ``python -m benchmarks.scale``."""
