# One door for people and CI. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup check test unit soak bench demo dashboards asyncapi format

help:  ## What this file can do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml
	@# Debian keeps venv in a package of its own.
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || \
	  { apt-get update && apt-get install -y --no-install-recommends python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

setup: $(STAMP)  ## Create .venv with everything that development needs

check: $(STAMP)  ## Format, lint, types, architecture, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(STAMP)  ## Every test, those against real servers included (installs Mosquitto, InfluxDB, Chromium as root)
	@.ci/servers
	$(BIN)/python -m pytest -m 'not slow'

unit: $(STAMP)  ## The tests that need no server
	$(BIN)/python -m pytest tests/unit

soak: $(STAMP)  ## The slow ones: 200 kills, 100,000 mutated frames a codec
	$(BIN)/python -m pytest -m slow --timeout 3600

asyncapi: $(STAMP)  ## Write asyncapi.yaml from the contract's types
	$(BIN)/python -m devices.contract.asyncapi > asyncapi.yaml.new && mv asyncapi.yaml.new asyncapi.yaml

demo: $(STAMP)  ## The whole county on this machine; SECONDS=60 ends it by itself, PORT=8080 is the view's
	@.ci/servers mosquitto
	@$(BIN)/simulators demo --seconds $(or $(SECONDS),0) --port $(or $(PORT),8080)

dashboards: $(STAMP)  ## Write Grafana's JSON from the panels
	$(BIN)/dashboards write

bench: $(STAMP)  ## Measure; docs/benchmarks.md says what the figures mean
	@.ci/servers mosquitto influxd
	for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python -m "$$(echo $${script%.py} | tr / .)" || exit 1; done
