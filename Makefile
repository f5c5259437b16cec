# The only way in. `make help` lists the targets. No path here is absolute, so the folder's own path may hold blanks.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Of PySpark, which has no other.
SPARK_PYTHON ?= python3.11
SAM    := .venv-sam/bin/sam
CHECKOV := .venv-checkov/bin/checkov
SAGEMAKER := .venv-sagemaker/installed .venv-sagemaker3/installed
SPARK := .venv-spark/installed
DOCS := .venv-docs/bin/mkdocs
ATHERIS := $(VENV)/.atheris
# The order in which tests run: any number gives another one. And how long each of the two parts of `make fuzz` goes on.
ORDER        ?= 1
FUZZ_SECONDS ?= 600
# How many windows are due in `make campaign`.
EXECUTIONS   ?= 1000
# Whole files are given out, whose tests share a set-up, in the order of tests/conftest.py: the longest first. Three
# processes keep two cores busy, where some tests wait.
PYTEST := "$(BIN)/python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder --randomly-seed=$(ORDER)
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1
# The order of sets, the same in every run unless the environment says otherwise.
export PYTHONHASHSEED ?= 0
# Where images set it, each process of a test or the demo would compile all of the package again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo screenshots test test-fast test-sagemaker test-spark coverage fuzz campaign load mutations check format schemas sbom docs lock bench build clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(f"Modelwatch needs Python 3.11 or newer, this is {v[0]}.{v[1]}: call make with PYTHON=python3.13" if v < (3, 11) else 0)'
	@echo "Installing into $(VENV) (once; about two minutes)"
	@test -x "$(BIN)/python" || "$(PYTHON)" -m venv "$(VENV)"
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch "$@"

install: $(STAMP) ## install into .venv; creates .venv/bin/modelwatch

demo: $(STAMP) ## monitor a model on real data, on this machine: no account, no Docker
	@"$(BIN)/modelwatch" demo

test: $(STAMP) ## run all tests, with the same result every time; ORDER=2 runs them in another order
	@$(PYTEST)

test-fast: $(STAMP) ## run the tests that need no local stack, no whole case and no long search, in a minute or two
	@$(PYTEST) -q -m "not slow and not hypothesis" --ignore=tests/app --ignore=tests/cases --ignore=tests/local --ignore=tests/demo --ignore=tests/image --ignore=tests/core/test_port_contracts.py

coverage: $(STAMP) ## run all tests and print which lines of the product none of them runs
	@COVERAGE_CORE=$$("$(BIN)/python" -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') $(PYTEST) --cov --cov-report=term

fuzz: $(STAMP) $(ATHERIS) ## search for failing examples, then for bytes that crash a parser, for FUZZ_SECONDS=600 each; SEED=n repeats a round, TARGET=csv runs one parser
	$(if $(TARGET),,@"$(BIN)/python" -m tests.fuzz --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)))
	@"$(BIN)/python" -m tests.fuzzing --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target $(TARGET))

$(ATHERIS): $(STAMP) requirements-fuzz.lock
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements-fuzz.lock || echo "Not every Python has an atheris"
	@touch "$@"

campaign: $(STAMP) ## run EXECUTIONS=1000 under faults, outages and kills, and count what became of them; SEED=n repeats one
	@"$(BIN)/python" -m tests.campaign --executions $(EXECUTIONS) $(if $(SEED),--seed $(SEED))

load: $(STAMP) ## drive EXECUTIONS=5000 and ten times as many events through the app, and measure its memory and calls of AWS
	@"$(BIN)/python" -m tests.campaign.load $(if $(filter command line,$(origin EXECUTIONS)),--executions $(EXECUTIONS))

mutations: $(STAMP) ## break the product on purpose, one promise at a time: the tests must notice each; ONLY=lease makes those whose promise has the word
	@"$(BIN)/python" -m tests.mutations $(if $(ONLY),--only "$(ONLY)")

check: $(STAMP) $(SAM) $(CHECKOV) ## check format, lint, types, import rules, the template, licences and secrets; count what is found and suppressed
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/python" -m tests.scanners

format: $(STAMP) ## format, and fix what a tool can fix
	"$(BIN)/ruff" format .
	"$(BIN)/ruff" check --fix .

schemas: $(STAMP) ## generate the schemas of our events
	"$(BIN)/python" -m events.generate_schemas

bench: $(STAMP) ## measure speed and memory, as ratios: ours, its growth and cost, and what users would pick instead
	@"$(BIN)/python" -m benchmarks

# The SAM CLI pins its own boto3 and pydantic, so it has an environment of its own.
$(SAM): requirements-sam.lock
	@echo "Installing the SAM CLI into .venv-sam (once)"
	@test -x .venv-sam/bin/python || "$(PYTHON)" -m venv .venv-sam
	@.venv-sam/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-sam.lock
	@touch "$@"

# checkov pins its own boto3 and packaging.
$(CHECKOV): requirements-checkov.lock
	@echo "Installing checkov into .venv-checkov (once)"
	@test -x .venv-checkov/bin/python || "$(PYTHON)" -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-checkov.lock
	@touch "$@"

# SageMaker's SDK brings 300 MB of packages of its own. Of version 3 only sagemaker-core is installed: it has the monitors.
$(SAGEMAKER): .venv-%/installed: requirements-%.lock
	@echo "Installing SageMaker's SDK into .venv-$* (once)"
	@test -x .venv-$*/bin/python || "$(PYTHON)" -m venv .venv-$*
	@.venv-$*/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-$*.lock
	@touch "$@"

screenshots: $(STAMP) ## make the pictures of docs/, in a real browser: needs Chromium (apt-get install chromium)
	@"$(BIN)/python" -m pytest -q tests/browser --screenshots docs/images

test-sagemaker: $(STAMP) $(SAGEMAKER) ## run SageMaker's own Python SDK, versions 2 and 3, against the app in the local stack
	@$(PYTEST) -q tests/sagemaker_sdk

# PySpark has 300 MB, and the packages of the analyzer are beside it: what tasks need. Its Python is that of Spark on EMR
# Serverless, whatever runs the tests.
$(SPARK): requirements-spark.lock
	@"$(SPARK_PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "PySpark 3.5 needs Python 3.11, and $(SPARK_PYTHON) is none: call make with SPARK_PYTHON=its path"; exit 1; }
	@echo "Installing PySpark into .venv-spark (once)"
	@test -x .venv-spark/bin/python3.11 || "$(SPARK_PYTHON)" -m venv --clear .venv-spark
	@.venv-spark/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock
	@touch "$@"

test-spark: $(STAMP) $(SPARK) ## run analyses on Spark, by several executors, against those of one machine: needs Java 17 and Python 3.11
	@java -version 2>/dev/null || { echo "Spark needs Java: apt-get install openjdk-17-jre-headless"; exit 1; }
	@$(PYTEST) -q tests/spark

build: $(SAM) ## run sam build for every zip function and the layer; needs python3.13, no container engine
	PYENV_VERSION=3.13 "$(SAM)" build --beta-features --exclude Analyzer

# Bills of materials hold no time and no serial number: they change with their lock file only. The warning that they have
# no graph of dependencies is left out; a lock file has none.
DIST ?= dist
sbom: $(DIST)/core-layer.cdx.json $(DIST)/analyzer-image.cdx.json $(DIST)/sdk-and-development.cdx.json ## write a bill of materials (CycloneDX) for the layer, the image, and the SDK with its development tools
$(DIST)/core-layer.cdx.json: layers/core/requirements.txt
$(DIST)/analyzer-image.cdx.json: analyzer_container/requirements.txt
$(DIST)/sdk-and-development.cdx.json: requirements.lock
$(DIST)/%.cdx.json: $(STAMP)
	@mkdir -p "$(@D)"
	@PYTHONWARNINGS=ignore::UserWarning "$(BIN)/cyclonedx-py" requirements --pyproject pyproject.toml --output-reproducible --validate -o "$@" "$(filter-out $(STAMP),$^)"

# The site needs nothing of the product: the reference is read from the source.
$(DOCS): requirements-docs.lock
	@echo "Installing MkDocs into .venv-docs (once)"
	@test -x .venv-docs/bin/python || "$(PYTHON)" -m venv .venv-docs
	@.venv-docs/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-docs.lock
	@touch "$@"

# The variable silences an advertisement of the theme.
docs: $(DOCS) ## build the documentation as a site, in site/; a link that leads nowhere is an error
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --quiet --strict
	@echo "site/index.html"

lock: $(STAMP) ## resolve the lock files again from pyproject.toml
	"$(BIN)/python" -m pip install --quiet uv
	"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --all-extras --no-emit-package modelwatch pyproject.toml -o requirements.lock
	"$(BIN)/uv" pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes --no-header --no-annotate --extra core --constraint requirements.lock --no-emit-package modelwatch pyproject.toml -o layers/core/requirements.txt
	"$(BIN)/uv" pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes --no-header --no-annotate --extra core --extra analyzer --constraint requirements.lock --no-emit-package modelwatch pyproject.toml -o analyzer_container/requirements.txt
	echo aws-sam-cli | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-sam.lock
	echo checkov | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-checkov.lock
	printf 'pyspark==3.5.9\npandas\npyarrow\n' | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra core --extra analyzer --constraint requirements.lock --no-emit-package modelwatch pyproject.toml - -o requirements-spark.lock
	echo sagemaker==2.257.7 | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-sagemaker.lock
	echo sagemaker-core==2.27.0 | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-sagemaker3.lock
	printf 'mkdocs-material\nmkdocstrings[python]\nruff\n' | "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-docs.lock
	echo atheris | "$(BIN)/uv" pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-fuzz.lock

clean: ## remove what make created
	rm -rf "$(VENV)" .venv-3.* .venv-sam .venv-checkov .venv-sagemaker .venv-sagemaker3 .venv-spark .venv-docs .venv-peers site .aws-sam .fuzzing dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
