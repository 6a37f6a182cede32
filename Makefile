# demo: from a fresh clone to a page. test: everything. Both prepare the environment first (setup).
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint e2e bench lock
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000

help:            ## what can be made
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /'

setup:           ## virtual environment with locked dependencies, and the built client
	@$(PYTHON) .ci/setup.py

demo: setup      ## the sample park, served; the address is printed
	@$(BIN)/twin demo --port $(PORT) $(DEMO)

test: setup      ## lint, types, contracts, unit, golden, oracle, client and end-to-end tests
	@$(BIN)/python -m tests.run

lint: setup      ## format check, lint, types, import contracts
	@$(BIN)/python -m tests.run lint

e2e: setup       ## the end-to-end tests alone, in a real browser
	@$(BIN)/python -m pytest -m e2e tests/e2e

bench: setup     ## speed beside what one would use instead
	@for program in bench/*.py; do echo "== $$program"; $(BIN)/python $$program || exit 1; done

lock:            ## new lock files from pyproject.toml and package.json
	@$(PYTHON) .ci/setup.py lock
