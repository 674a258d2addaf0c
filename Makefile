# Meridian. `make help` lists the targets. Needs Python 3.11 or newer; everything else is reported by `make doctor`.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help

# The package manager: the one on PATH, else one of this version in the cache.
UV_VERSION := 0.13.9
CACHE := $(or $(MERIDIAN_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/meridian)
UV := $(or $(shell command -v uv 2>/dev/null),$(CACHE)/uv/$(UV_VERSION)/bin/uv)
PYTHON3 ?= python3

VENV := .venv
STAMP := $(VENV)/.installed
MERIDIAN := $(VENV)/bin/meridian
RUFF := $(VENV)/bin/ruff
CODE := regions stacks services edge policies local ops tests bench

# Bytecode is kept whatever the caller's environment says: a test run starts hundreds of interpreters, and without it each
# compiles everything that it imports.
unexport PYTHONDONTWRITEBYTECODE

# How many test processes at a time, and further arguments for pytest.
WORKERS ?= 2
PYTEST ?=

.PHONY: help
help: ## This list
	@echo 'Meridian: a video platform in four AWS regions, on one machine.'
	@echo
	@echo '  make up      run everything here, and print the URL to open'
	@echo '  make test    prove it'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'Settings (environment, or KEY=value in .env): CELLS, MERIDIAN_PORT_BASE, MERIDIAN_EMULATOR, KAFKA_HOME.'

.PHONY: install
install: $(STAMP) ## Python packages, exactly as uv.lock has them

$(STAMP): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --quiet
	@touch $@

$(CACHE)/uv/$(UV_VERSION)/bin/uv:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: Python 3.11 or newer is needed; name it with PYTHON3=...' >&2; exit 2; }
	@echo 'installing uv $(UV_VERSION) into $(CACHE), once' >&2
	@mkdir -p $(CACHE)/uv && chmod 700 $(CACHE)
	@rm -rf $(CACHE)/uv/.building
	@$(PYTHON3) -m venv $(CACHE)/uv/.building || \
		{ echo 'error: python3 cannot make a virtual environment; install the package python3-venv' >&2; exit 2; }
	@$(CACHE)/uv/.building/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@rm -rf $(CACHE)/uv/$(UV_VERSION) && mv $(CACHE)/uv/.building $(CACHE)/uv/$(UV_VERSION)

.PHONY: up
up: $(STAMP) ## Deploy and run everything on this machine
	@$(MERIDIAN) up

.PHONY: down
down: ## Stop it and remove all that `up` made; keeps the cache
	@if [ -x $(MERIDIAN) ]; then $(MERIDIAN) down; else echo 'nothing is installed, so nothing runs'; fi

.PHONY: status
status: $(STAMP) ## What runs, where, and whether it is well
	@$(MERIDIAN) status

.PHONY: logs
logs: $(STAMP) ## Log of one process: make logs NAME=mumbai-gateway
	@$(MERIDIAN) logs $(NAME)

.PHONY: doctor
doctor: $(STAMP) ## What would stop `up` on this machine
	@$(MERIDIAN) doctor

.PHONY: preview
preview: $(STAMP) ## What a deployment of all stacks would change, with every policy
	@$(MERIDIAN) preview

.PHONY: footprint
footprint: $(STAMP) ## Write docs/footprint.md and docs/alarms.md anew
	@$(VENV)/bin/python -m ops.footprint
	@$(VENV)/bin/python -m ops.alarms

.PHONY: golden
golden: $(STAMP) ## Rewrite the golden footprint, and say what changed in it
	@$(VENV)/bin/python -m ops.golden

.PHONY: openapi
openapi: $(STAMP) ## Write the OpenAPI document anew, from the routing table and the services' models
	@$(VENV)/bin/python -m services.openapi

.PHONY: workflows
workflows: $(STAMP) ## Lint the pipelines and every shell script
	@$(VENV)/bin/python -m ops.workflow_lint

.PHONY: test
test: lint types unit ## Everything that a change must pass

# Without the loss of a region: a run in which too little went wrong proves nothing and fails, so it is not for every change.
.PHONY: unit
unit: $(STAMP) ## The tests alone: make unit PYTEST='tests/regions -k steering'
	$(VENV)/bin/pytest -q -n $(WORKERS) --dist loadfile --ignore tests/faults/test_promotion.py $(PYTEST)

.PHONY: soak
soak: $(STAMP) ## A thousand faults under load, and the report in bench/results: make soak FAULTS=2000
	FAULTS=$(or $(FAULTS),1000) FAULT_REPORT=bench/results/soak.md \
		$(VENV)/bin/pytest -q -s --timeout 0 tests/faults/test_faults.py -k every_acknowledged_event

.PHONY: soak-promotion
soak-promotion: $(STAMP) ## Losses and returns of a region under load, reported in bench/results: make soak-promotion RUNS=5
	rm -f bench/results/promotion.md
	PROMOTIONS=$(or $(RUNS),5) PROMOTION_PHASE=$(or $(PHASE),10) PROMOTION_REPORT=bench/results/promotion.md \
		$(VENV)/bin/pytest -q -s tests/faults/test_promotion.py

.PHONY: lint
lint: $(STAMP) ## Style and common mistakes
	$(RUFF) check $(CODE)
	$(RUFF) format --check $(CODE)

.PHONY: types
types: $(STAMP) ## Static types, strictly
	$(VENV)/bin/mypy

.PHONY: format
format: $(STAMP) ## Bring the code into its form
	$(RUFF) check --fix $(CODE)
	$(RUFF) format $(CODE)

.PHONY: clean
clean: down ## Like down, and remove the Python environment too
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis test-artefacts

.PHONY: gateway-compiled
gateway-compiled: $(STAMP) ## Compile the gateway and print the directory to put first on PYTHONPATH
	@$(VENV)/bin/python -m local.gateway_build

.PHONY: bench-gateway
bench-gateway: $(STAMP) ## Measure the gateway beside its peers, about 12 minutes
	$(VENV)/bin/python -m bench.gateway

.PHONY: bench-events
bench-events: $(STAMP) ## Measure counting and producing beside peers, about 12 minutes
	$(VENV)/bin/python -m bench.events

EMULATOR ?= moto

.PHONY: test-aws
test-aws: $(STAMP) ## The whole footprint on an emulator, and docs/emulators.md from it: make test-aws EMULATOR=ministack [ENDPOINT=URL]
	MERIDIAN_TEST_EMULATOR=$(EMULATOR) MERIDIAN_TEST_ENDPOINT=$(ENDPOINT) MERIDIAN_TEST_RECORD=1 \
		$(VENV)/bin/pytest -q tests/footprint/test_footprint.py
	$(VENV)/bin/python -m tests.footprint.support

.PHONY: test-account
test-account: $(STAMP) ## The same checks on a sandbox account, read only: make test-account ACCOUNT=123456789012 [AFTER=destroy]
	MERIDIAN_TEST_ACCOUNT=$(ACCOUNT) $(VENV)/bin/pytest -q -s --timeout 0 -p no:xdist \
		tests/footprint/$(if $(filter destroy,$(AFTER)),empty,whole)_account.py

.PHONY: fuzz
fuzz: $(STAMP) ## Fuzz the gateway's parsers: make fuzz SECONDS=3600
	$(VENV)/bin/python -m tests.fuzz $(or $(SECONDS),60)

.PHONY: test-cluster
test-cluster: $(STAMP) ## A cell on a real API server with fake nodes, and the report in bench/results
	CLUSTER_REPORT=bench/results/cluster.md $(VENV)/bin/pytest -q -s --timeout 0 tests/cluster/whole_cell.py

.PHONY: fuzz-hour
fuzz-hour: $(STAMP)
	FUZZ_REPORT=bench/results/fuzz.md $(VENV)/bin/python -m tests.fuzz 3600

.PHONY: openapi-many
openapi-many: $(STAMP)
	OPENAPI_EXAMPLES=200 $(VENV)/bin/pytest -q tests/services/test_openapi_conformance.py

# What is too long for `make test`; a further long check is a target of its own and a word in this list.
.PHONY: full
full: test-cluster soak soak-promotion drill fuzz-hour openapi-many kill-report ## The long checks, one after the other, with their reports

.PHONY: kill-report
kill-report: $(STAMP) ## Kill every process of a loaded cell in turn, and the report in bench/results: about 15 minutes
	MERIDIAN_INSTANCES=2 $(VENV)/bin/python -m bench.kills

.PHONY: drill
drill: $(STAMP) ## Lose a region of a whole installation under load and bring it back, and the report in bench/results
	$(VENV)/bin/python -m bench.drill
