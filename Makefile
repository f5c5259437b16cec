# The only way in. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SAM    := .venv-sam/bin/sam
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

.DEFAULT_GOAL := help
.PHONY: help install demo test check format schemas lock bench build clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Modelwatch needs Python 3.11 or newer, this is {v[0]}.{v[1]}: call make with PYTHON=python3.13" if v < (3, 11) else 0)'
	@echo "Installing into $(VENV) (once; about two minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP) ## install into .venv; leaves .venv/bin/modelwatch

demo: $(STAMP) ## watch a model on real data, on this machine: no account, no Docker
	@$(BIN)/modelwatch demo

test: $(STAMP) ## run all tests
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(STAMP) $(SAM) ## format, lint, types, import rules, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SAM) validate --lint --template template.yaml

format: $(STAMP) ## format and mend what can be mended by a tool
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(STAMP) ## write the schemas of our events anew
	$(BIN)/python -m events.generate_schemas

bench: $(STAMP) ## measure speed and memory, as ratios
	@$(BIN)/python -m benchmarks

# The SAM CLI pins its own boto3 and pydantic, so it lives in an environment of its own.
$(SAM): requirements-sam.lock
	@echo "Installing the SAM CLI into .venv-sam (once)"
	@test -x .venv-sam/bin/python || $(PYTHON) -m venv .venv-sam
	@.venv-sam/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-sam.lock
	@touch $@

build: $(SAM) ## sam build of every zip function and the layer; needs python3.13, no container engine
	PYENV_VERSION=3.13 $(SAM) build --beta-features --exclude Analyzer

lock: $(STAMP) ## resolve the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --all-extras --no-emit-package modelwatch pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes --no-header --no-annotate --extra core --constraint requirements.lock --no-emit-package modelwatch pyproject.toml -o layers/core/requirements.txt
	$(BIN)/uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes --no-header --no-annotate --extra core --extra analyzer --constraint requirements.lock --no-emit-package modelwatch pyproject.toml -o analyzer_container/requirements.txt
	echo aws-sam-cli | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-sam.lock

clean: ## remove what make made
	rm -rf $(VENV) .venv-sam .aws-sam dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
