# What can be done here, once: people, hooks, .ci/run and the CI workflow only call these targets.
# Each makes the environment first if it is not there.
PYTHON ?= python3
# With `CONSTRAINTS=` the newest versions are installed instead of those that are tested together.
CONSTRAINTS ?= --constraint constraints.txt
BIN := .venv/bin
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
INSTALLED := .venv/.installed

.PHONY: demo test dev check lint types floors format workshop soak chaos fuzz tables surface examples openapi prometheus chromium azurite wheel clean

demo: $(INSTALLED)
	$(BIN)/image-assets demo

dev: $(INSTALLED)
	$(BIN)/dagster dev

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

check: lint types floors

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

floors: $(INSTALLED)
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Trains small encoders; once a week is enough.
workshop: $(INSTALLED)
	$(BIN)/python -m pytest workshop

# Starts many commands at once, for minutes; once a week is enough.
soak: $(INSTALLED)
	$(BIN)/python -m pytest -m soak

# An hour of kills, outages, full disks and power cuts; in the end the lake is that of a quiet life.
chaos: $(INSTALLED)
	$(BIN)/python -m image_assets_tests.soak.chaos --postgres

# Many more examples of what strangers may send than in the suite.
fuzz: $(INSTALLED)
	$(BIN)/python -m pytest -m fuzz --hypothesis-profile fuzz --timeout 3600

tables: $(INSTALLED)
	$(BIN)/python -m image_assets.tables.documentation > docs/tables.md

surface: $(INSTALLED)
	$(BIN)/python -m image_assets_tests.unit.documents.test_public_surface > docs/public-surface.md

# The real one, with which numbers, alerts and the dashboard are tried; without it those tests are skipped.
prometheus:
	command -v prometheus >/dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq --no-install-recommends prometheus; }

# The browser in which the gallery's pages are tried; without it those tests are skipped.
chromium:
	command -v chromium >/dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }

# Azure's storage on this machine, with which a lake in a cloud is tried; without it those tests are skipped.
azurite:
	command -v npm >/dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq --no-install-recommends nodejs npm; }
	npm ci --prefix image_assets_tests/servers/azurite --ignore-scripts --no-audit --no-fund --loglevel=error

# Fills and serves a lake, and asks it for everything: after a change of what is sent or answered.
examples: $(INSTALLED)
	$(BIN)/python -m image_assets_tests.serving.examples > .examples.json
	mv .examples.json image_assets/serving/examples.json

openapi: $(INSTALLED)
	$(BIN)/python -m image_assets_tests.unit.documents.test_openapi > docs/openapi.json

# build/ goes first: setuptools would put files into the wheel that only lie there.
wheel: $(INSTALLED)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv data build dist *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) --editable ".[dev]"
	touch $@
