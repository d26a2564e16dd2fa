# Few verbs; each says what it does.  A fresh clone needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CATALOGUE := var/catalogue
export OMP_WAIT_POLICY := passive

.PHONY: demo test check fix serve bench bench-encoder measure clean help

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.ready: pyproject.toml
	@echo "Setting up $(VENV) (the first time takes a few minutes: torch and friends are installed)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,train]'
	@touch $@

$(CATALOGUE)/manifest.json: $(VENV)/.ready $(wildcard data/sample/* data/sample/*/*) $(wildcard models/*/*) $(shell find src/matcher -name "*.py")
	@echo "Indexing the sample: structures, past awards, notices"
	@$(BIN)/matcher index data/sample --out $(CATALOGUE)

demo: $(CATALOGUE)/manifest.json ## Set up, index the sample, match its notices, propose groups
	@echo "Matching the notices of the sample (matcher match data/sample)"
	@$(BIN)/matcher match data/sample --catalogue $(CATALOGUE) -n 5

test: $(VENV)/.ready ## Set up and run the tests
	@$(BIN)/python -m pytest

check: $(VENV)/.ready ## Lint and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fix: $(VENV)/.ready ## Mend what a tool can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: $(CATALOGUE)/manifest.json ## Open the API and the pages on http://127.0.0.1:8000
	@$(BIN)/matcher serve

measure: $(VENV)/.ready ## The dev tasks and benches against the committed figures; fails on a loss
	@$(BIN)/python tests/bench/measure.py

bench: $(VENV)/.ready ## Timings and scale on this machine
	@$(BIN)/python tests/bench/bench.py

bench-encoder: $(VENV)/.ready ## The encoder beside others
	@$(BIN)/python tests/bench/bench_encoder.py

clean: ## Remove what was built (not the environment)
	@rm -rf var build dist
