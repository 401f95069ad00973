# Everything a newcomer needs; each target makes the environment first if it is not there.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test dev check workshop tables clean

demo: $(INSTALLED)
	$(BIN)/image-assets demo

dev: $(INSTALLED)
	$(BIN)/dagster dev

test: $(INSTALLED)
	$(BIN)/python -m pytest

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Trains small encoders; once a week is enough.
workshop: $(INSTALLED)
	$(BIN)/python -m pytest workshop

tables: $(INSTALLED)
	$(BIN)/python -m image_assets.tables.documentation > docs/tables.md

clean:
	rm -rf .venv data build *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
