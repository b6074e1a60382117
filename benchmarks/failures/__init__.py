"""Whether the time of a failed login tells why it failed: docs/benchmarks/failures.md."""
