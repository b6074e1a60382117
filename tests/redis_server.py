"""A Redis of a test's own."""

import os
from pathlib import Path

import pytest

from proofs.redis_server import RedisServer, find_redis


def own_redis(directory: Path) -> RedisServer:
    """Start a Redis for a test, which stops it."""
    program = find_redis()
    if program is None:
        assert "CI" not in os.environ, "install redis-server"
        # `make test` must pass on a machine without services; in CI the line above fails instead.
        pytest.skip("redis-server is not installed")
    return RedisServer(program, directory)
