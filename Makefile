# make demo   the demo on http://127.0.0.1:8000/ (PORT=8123 for another port)
# make test   the tests, on SQLite
# make benchmark   what it costs beside others, on PostgreSQL (ARGS=--quick for a tenth of it)
#
# Needs Python 3.11 or newer with venv, git and the package index; PYTHON=python3.13 chooses one.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install
# The project's own settings, whatever the shell has exported for another one.
CLEAN := env -u DATABASE_URL -u CACHE_URL -u DJANGO_SETTINGS_MODULE

.PHONY: demo test benchmark chaos comparison layers lint format machine matrix model revocation rules scale simulation types clean

demo: $(VENV)/demo.stamp
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py migrate --verbosity 0
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py demo_setup
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py runserver --noreload 127.0.0.1:$(PORT)

test: $(VENV)/tests.stamp
	$(CLEAN) $(BIN)/python -m pytest -n auto -m "not browser" $(ARGS)

lint: $(VENV)/lint.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/lint.stamp
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(VENV)/typing.stamp
	$(CLEAN) $(BIN)/python -m mypy

layers: $(VENV)/lint.stamp
	$(BIN)/lint-imports

# Which test proves which rule; fails if a rule has no test.
rules: $(VENV)/tests.stamp
	$(CLEAN) $(BIN)/python -m pytest --req-table --quiet -p no:randomly

# Workers killed, connections cut, the database crashed: docs/proofs/chaos.md. It makes a cluster of
# its own, so it needs PostgreSQL's programs, and no server of it.
chaos: $(VENV)/tests.stamp $(VENV)/postgresql.stamp
	$(CLEAN) $(BIN)/python -m proofs.chaos $(ARGS)

# How soon a revocation is seen, into docs/proofs/revocation.md. A cluster of its own, as for chaos.
revocation: $(VENV)/tests.stamp $(VENV)/postgresql.stamp
	$(CLEAN) $(BIN)/python -m proofs.revocation $(or $(ARGS),--write)

# Every database, the oldest and the newest versions. Needs PostgreSQL and MariaDB: see .ci/run.
matrix:
	.ci/run environments sqlite postgresql mariadb atomic make-test

# What size does to refresh and clean-up, into docs/benchmarks/scale.md. Needs PostgreSQL at
# SCALE_DATABASE_URL and 20 GB of disk; ARGS="growth --sessions 10" for a part of it.
scale: $(VENV)/tests.stamp $(VENV)/databases.stamp
	$(CLEAN) $(BIN)/python -m benchmarks.scale $(ARGS)

# Needs PostgreSQL at POSTGRESQL_URL, and a role that may make databases. Writes docs/benchmarks.md.
benchmark: $(VENV)/benchmarks.stamp
	$(CLEAN) $(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .venv-* build dist htmlcov .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f db.sqlite3 db.sqlite3-*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: make PYTHON=... with Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(BIN)/python
	$(PIP) --editable . --requirement $<
	@touch $@
