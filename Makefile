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

.PHONY: demo test benchmark chaos comparison failures guessing javascript layers lint format machine matrix messages model replay revocation rules scale screenshots simulation storm types clean

demo: $(VENV)/demo.stamp
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py migrate --verbosity 0
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py demo_setup
	$(CLEAN) PORT=$(PORT) $(BIN)/python manage.py runserver --noreload 127.0.0.1:$(PORT)

test: $(VENV)/tests.stamp
	$(CLEAN) $(BIN)/python -m pytest -n auto --dist worksteal -m "not browser" $(ARGS)

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

# The browser's client, as in CI. Needs Node 18.18 or newer, with npm. In tests/javascript, npm run
# declare writes tokenauth.d.ts anew, and npm run mutations breaks each guard, which must be seen.
javascript: tests/javascript/node_modules/.stamp
	cd tests/javascript && npm run --silent check

tests/javascript/node_modules/.stamp: tests/javascript/package-lock.json
	cd tests/javascript && npm ci --silent
	@touch $@

# Takes the messages of the sources into every translation, and compiles them. Needs GNU gettext.
# After a change of a text: once to find what is new, once more when that is translated.
messages: $(VENV)/tests.stamp
	cd tokenauth && $(CLEAN) $(abspath $(BIN))/python -m django makemessages --all \
		--add-location file --no-obsolete --no-wrap
	cd tokenauth && $(CLEAN) $(abspath $(BIN))/python -m django compilemessages

# Which test proves which rule; fails if a rule has no test.
rules: $(VENV)/tests.stamp
	$(CLEAN) $(BIN)/python -m pytest --req-table --quiet -p no:randomly

# Workers killed, connections cut, the database crashed: docs/proofs/chaos.md. It makes a cluster of
# its own, so it needs PostgreSQL's programs, and no server of it.
chaos: $(VENV)/tests.stamp $(VENV)/postgresql.stamp
	$(CLEAN) $(BIN)/python -m proofs.chaos $(ARGS)

# Virtual browsers and thieves; goes on where it stopped. ARGS=--quick for a look, --again for all.
simulation: $(VENV)/tests.stamp
	$(CLEAN) $(BIN)/python -m proofs.simulation $(ARGS)

# How soon a revocation is seen, into docs/proofs/revocation.md. A cluster of its own, as for chaos.
revocation: $(VENV)/tests.stamp $(VENV)/postgresql.stamp
	$(CLEAN) $(BIN)/python -m proofs.revocation $(or $(ARGS),--write)

# Guesses at passwords, and the owner meanwhile, into docs/proofs/guessing.md. A cluster and a Redis of
# its own: needs redis-server too.
guessing: $(VENV)/tests.stamp $(VENV)/postgresql.stamp
	$(CLEAN) $(BIN)/python -m proofs.guessing $(or $(ARGS),--write)

# The client tokenauth.js in Chromium, over a bad network, into docs/proofs/browser.md.
storm: $(VENV)/tests.stamp $(VENV)/browser.stamp
	$(CLEAN) $(BIN)/python -m tests.browser.storm $(or $(ARGS),--write)

# The images of docs/admin.md, of a seeded database, those of the demo's page, and those of
# docs/notices.md. Needs Chromium.
screenshots: $(VENV)/tests.stamp $(VENV)/browser.stamp
	$(CLEAN) $(BIN)/python -m tests.console_browser.screenshots
	$(CLEAN) $(BIN)/python -m tests.demo.screenshots
	$(CLEAN) $(BIN)/python -m tests.notices_browser.screenshots

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

# Whether the time of a failed login tells why it failed, into docs/benchmarks/failures.md. Needs
# PostgreSQL at POSTGRESQL_URL, and a role that may make databases. ARGS="--rounds 5" for a look.
failures: $(VENV)/tests.stamp $(VENV)/databases.stamp
	$(CLEAN) $(BIN)/python -m benchmarks.failures $(or $(ARGS),--write)

# This package beside others, on PostgreSQL: POSTGRESQL_URL, of a database whose name the new ones
# start with. Takes a quarter of an hour; ARGS="--rounds 5 --only knox" for a look.
comparison: .venv-comparison/stamp
	$(CLEAN) .venv-comparison/bin/python -m benchmarks.comparison $(ARGS)

.venv-comparison/stamp: requirements/comparison.txt pyproject.toml | $(BIN)/python
	$(PYTHON) -m venv .venv-comparison
	.venv-comparison/bin/python -m pip --disable-pip-version-check -qq install \
		--editable . --requirement $<
	@touch $@

# Every interleaving of the protocol's statements; then each guard left out, which must be seen.
model: $(VENV)/tests.stamp
	$(BIN)/python -m proofs.model
	$(BIN)/python -m proofs.model --mutate

# Every schedule of two actors of the model, by the real code. DATABASE_URL for PostgreSQL.
replay: $(VENV)/tests.stamp
	TOKENAUTH_REPLAY_STRIDE=1 $(BIN)/python -m pytest -n auto tests/test_model_replay.py

# The real code against the reference model, with new seeds: 10,000 steps, or STEPS=100000.
machine: $(VENV)/tests.stamp
	$(CLEAN) TOKENAUTH_MACHINE_STEPS=$(or $(STEPS),10000) \
		$(BIN)/python -m pytest -n 0 -s --quiet tests/test_state_machine.py

clean:
	rm -rf $(VENV) .venv-* tests/javascript/node_modules build dist htmlcov .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f db.sqlite3 db.sqlite3-*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: make PYTHON=... with Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(BIN)/python
	$(PIP) --editable . --requirement $<
	@touch $@
