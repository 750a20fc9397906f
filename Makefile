# One verb a line; each builds VENV by itself when it is missing or older than pyproject.toml.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$python; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOWEST := build/lowest
BENCH_READY := $(VENV)/.bench-ready
PG15_BIN ?= /usr/lib/postgresql/15/bin
MINUTES ?= 30
VARIANTS := serializable hurried hostile far pgbouncer 15 18
PYTEST := $(BIN)/pytest -q -n 2 --dist loadfile
# COVERAGE=1 measures `make test`, branches and child processes included, and prints the total.
COVERAGE ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-15 test-lowest test-pgbouncer test-variants chaos recovery bench bench-peers lint docs

help: ## list what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

demo: $(READY) ## run the main job on real input, on the embedded PostgreSQL
	$(BIN)/pgqueue demo

test: $(READY) ## all tests, on the embedded PostgreSQL 18 (or on PGQUEUE_TEST_URL)
	.ci/faketime
ifeq ($(COVERAGE),)
	PGQUEUE_TEST_URL=$${PGQUEUE_TEST_URL:-embedded:} $(PYTEST)
else
	mkdir -p build/coverage
	COVERAGE_FILE=$(CURDIR)/build/coverage/data \
		PGQUEUE_TEST_URL=$${PGQUEUE_TEST_URL:-embedded:} $(PYTEST) --cov --cov-report=
	@COVERAGE_FILE=build/coverage/data $(BIN)/coverage report --format=total \
		| sed 's/.*/coverage of pgqueue, branches included: &%/'
endif

test-15: $(READY) ## all tests, on PostgreSQL 15's binaries
	.ci/faketime
	.ci/postgresql-15 $(PG15_BIN)
	PGQUEUE_TEST_URL= PGQUEUE_TEST_PG_BIN=$(PG15_BIN) $(PYTEST)

# The other packages are the newest, so that the lowest releases use what is deprecated by now.
test-lowest: $(LOWEST)/.ready ## all tests, with the lowest release of each dependency
	.ci/faketime
	PGQUEUE_TEST_URL=$${PGQUEUE_TEST_URL:-embedded:} $(LOWEST)/bin/pytest -q -n 2 --dist loadfile \
		-W ignore::DeprecationWarning $(TESTS)

test-pgbouncer: $(READY) ## all tests through PgBouncer in transaction mode, on PostgreSQL 18
	.ci/faketime
	.ci/pgbouncer
	PGQUEUE_TEST_POOLED=1 PGQUEUE_TEST_URL=$${PGQUEUE_TEST_URL:-embedded:} $(PYTEST)

test-variants: $(READY) ## all tests in every VARIANT of the database, through PgBouncer, and on 15 and 18
	@failed=; for variant in $(or $(VARIANT),$(VARIANTS)); do \
		echo "== $$variant"; \
		case $$variant in \
		18) $(MAKE) test ;; \
		15) $(MAKE) test-15 ;; \
		pgbouncer) $(MAKE) test-pgbouncer ;; \
		*) PGQUEUE_TEST_VARIANT=$$variant $(MAKE) test ;; \
		esac || failed="$$failed $$variant"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

chaos: $(READY) ## inject faults into a real fleet for MINUTES (30) by SEED, and check every invariant
	.ci/faketime
	cd tests && PYTHONPATH=.. ../$(BIN)/python -m chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

recovery: $(READY) ## measure how long jobs wait after the death of a child, a host, the server
	cd tests && PYTHONPATH=.. ../$(BIN)/python -m chaos.recovery

bench: $(BENCH_READY) ## measure every goal of docs/explanation/performance.md; ARGS, such as "--only P7"
	$(BIN)/python -m benchmarks --json build/bench/figures.json --charts build/bench/charts $(ARGS)

bench-peers: $(READY) ## measure pgqueue beside its PEERS (all), round by round, each in an environment of its own
	$(BIN)/python -m benchmarks.peers --json $(or $(JSON),build/bench/peers.json) \
		$(if $(PEERS),--only $(PEERS)) $(ARGS)

lint: $(READY) ## style, spelling, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## run the examples of README and docs
	$(BIN)/pytest -q tests/docs

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $(READY)

$(LOWEST)/.ready: pyproject.toml .ci/lowest-releases
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python .ci/lowest-releases > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/pip install --quiet --constraint $(LOWEST)/constraints.txt --editable '.[test]'
	touch $@

$(BENCH_READY): $(READY)
	$(BIN)/pip install --quiet --editable '.[bench]'
	touch $(BENCH_READY)
