# make demo    install into .venv, then the whole story on MovieLens-100K
# make test    install what tests need, then run them all
# make bench   speed, memory and growth on LOG=ratings.csv, written to docs/benchmarks.md
# make bench-quick   a look at the same in three minutes; the page is left alone
# make check   lint, types, imports, test, wheel, smoke: what CI runs

PYTHON ?= python3
VENV ?= .venv
OUT ?= tastemap-demo
WORKERS ?= 2
RUN := $(VENV)/bin/python -m
PIP := $(RUN) pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-quick bench-start-up bench-metrics bench-memory bench-end-to-end \
  bench-speed bench-ials bench-growth bench-maps bench-viewer bench-sequences lint format types imports wheel smoke check clean

help:
	@sed -n 's/^# \(make \)/\1/p' Makefile

demo: $(VENV)/maps
	$(VENV)/bin/tastemap demo --out $(OUT)

test: $(VENV)/tests
	$(RUN) pytest -n $(WORKERS) --doctest-modules src tests

# Tables in the order of their cost; NAME is what the page calls the log.
BENCH := $(VENV)/bin/python benchmarks/
ABOUT = $(if $(LOG),--log $(LOG)) $(if $(NAME),--name '$(NAME)')

bench: bench-start-up bench-metrics bench-memory bench-end-to-end bench-speed bench-ials bench-growth bench-maps bench-viewer bench-sequences

bench-start-up: $(VENV)/package
	$(BENCH)startup.py

bench-metrics: $(VENV)/package
	$(BENCH)judging.py $(ABOUT)

bench-memory: $(VENV)/package
	$(BENCH)peak.py $(ABOUT)

bench-end-to-end: $(VENV)/package
	$(BENCH)endtoend.py $(ABOUT)

bench-speed: $(VENV)/package
	$(BENCH)speed.py $(ABOUT)

bench-ials: $(VENV)/package
	$(BENCH)ials.py $(ABOUT)

bench-growth: $(VENV)/package
	$(BENCH)growth.py

bench-maps: $(VENV)/maps
	$(BENCH)maps.py $(ABOUT)

bench-viewer: $(VENV)/tests
	$(BENCH)viewer.py

bench-sequences: $(VENV)/tests
	$(BENCH)sequence_speed.py $(ABOUT)

bench-quick: $(VENV)/package
	$(BENCH)speed.py --quick $(ABOUT)
	$(BENCH)endtoend.py --quick $(ABOUT)
	$(BENCH)judging.py --quick $(ABOUT)
	$(BENCH)peak.py --quick $(ABOUT)
	$(BENCH)growth.py --quick

lint: $(VENV)/dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .

format: $(VENV)/dev
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

types: $(VENV)/dev
	$(RUN) mypy

imports: $(VENV)/dev
	$(VENV)/bin/lint-imports

wheel: $(VENV)/dev
	rm -rf dist
	$(RUN) build --wheel --outdir dist .

smoke: wheel
	$(RUN) venv --clear $(VENV)/smoke
	$(VENV)/smoke/bin/python .ci/smoke.py dist/*.whl

check: lint types imports test smoke

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# One stamp for each thing installed; a change of pyproject.toml or constraints.txt installs again.

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "tastemap needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "  to do: make PYTHON=python3.11 $(MAKECMDGOALS)   (or the path of a newer Python)" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/package: $(VENV)/python pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable .
	@touch $@

# What the map of items needs, for the demo: without it the map is PCA's alone.
$(VENV)/maps: $(VENV)/package
	$(PIP) --constraint constraints.txt --editable '.[maps]'
	@touch $@

# Dependency groups need pip 25.1; a new environment of Python 3.11 has an older one.
$(VENV)/pip: $(VENV)/package
	$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/tests: $(VENV)/pip
	$(PIP) --constraint constraints.txt --group tests
	@touch $@

$(VENV)/dev: $(VENV)/pip
	$(PIP) --constraint constraints.txt --group dev
	@touch $@
