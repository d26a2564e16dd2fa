# A fresh clone needs only Python 3.11+ and make; `make help` lists the targets.
VENV := .venv
BIN := $(VENV)/bin
CATALOGUE := var/catalogue
DEPLOYED := postgres oidc night documents territory
export OMP_WAIT_POLICY := passive
export PYTHON

.PHONY: demo test check docs pictures lock release fix serve bench measure audit clean help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.ready: pyproject.toml .ci/install
	@echo "Setting up $(VENV) for matching, groups, API and pages (a minute or more the first time)"
	@.ci/install
	@touch $@

$(VENV)/.ready-dev: pyproject.toml .ci/install
	@echo "Setting up $(VENV) with every extra and the test dependencies (some minutes the first time)"
	@.ci/install dev
	@touch $(VENV)/.ready $@

$(CATALOGUE)/manifest.json: $(VENV)/.ready $(wildcard data/sample/* data/sample/*/*) $(wildcard models/*/*) $(shell find src/matcher -name "*.py")
	@echo "Indexing the sample: structures, past awards, notices"
	@$(BIN)/matcher index data/sample --out $(CATALOGUE)

demo: $(CATALOGUE)/manifest.json ## Set up, index the sample, match its notices, propose groups
	@echo "Matching the notices of the sample (matcher match data/sample)"
	@$(BIN)/matcher match data/sample --catalogue $(CATALOGUE) -n 5
	@echo "Now \`source $(BIN)/activate\`, then \`matcher --help\`; or \`make serve\` for the pages" >&2

test: $(VENV)/.ready-dev ## Set up and run the tests, on as many processes as there are cores, at most four
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.ready-dev ## Lint and type-check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: $(VENV)/.ready-dev ## Build the site of documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "documentation: build/site/index.html"

pictures: $(VENV)/.ready-dev ## Take the pictures of the tutorials into docs/pictures, for the site
	@MATCHER_PICTURES=docs/pictures $(BIN)/python -m pytest tests/test_tutorials.py

lock: $(VENV)/.ready ## Pin what a deployment installs, by hash, at today's versions, in deploy/requirements.txt
	@echo hatchling | $(BIN)/uv pip compile pyproject.toml - $(addprefix --extra ,$(DEPLOYED)) --excludes deploy/left_out.txt --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --upgrade --quiet --output-file deploy/requirements.txt

models/manifest.json: $(wildcard models/*/*.json models/*/*.npz models/*/*/*.safetensors models/*/*/*/*.safetensors) ## Write the checksums of the models as they are
	@$(BIN)/matcher train manifest

release: $(VENV)/.ready-dev ## Build sdist, wheel and bill of materials into dist, and check them
	@rm -rf dist && mkdir -p dist
	@$(BIN)/python -c "from hatchling.build import build_sdist, build_wheel; print(build_sdist('dist')); print(build_wheel('dist'))"
	@$(BIN)/python -m twine check --strict dist/*
	@$(BIN)/python -m service.client > dist/matcher_client.py
	@$(BIN)/python tests/bench/audit.py --out dist/sbom.json

fix: $(VENV)/.ready-dev ## Apply automatic lint fixes and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: $(CATALOGUE)/manifest.json ## Serve the API and the pages on http://127.0.0.1:8000
	@$(BIN)/matcher serve

measure: $(VENV)/.ready-dev ## Compare the dev tasks and benchmarks with the committed figures; fails on a regression
	@$(BIN)/python tests/bench/measure.py

audit: $(VENV)/.ready-dev ## Bill of materials, licences, and known faults of what is installed
	@$(BIN)/python tests/bench/audit.py

bench: $(VENV)/.ready-dev ## Timings and scaling on this machine
	@$(BIN)/python tests/bench/bench_speed.py

clean: ## Remove build outputs (not the environment)
	@rm -rf var build dist
