# Segue: two commands are enough, `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Optional parts to install beside what the tests need, e.g. EXTRAS=browser (drives an installed Chromium).
EXTRAS ?=
comma := ,
STAMP := $(VENV)/.installed$(if $(EXTRAS),-$(subst $(comma),-,$(EXTRAS)))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# The build's own dependencies are pinned by the same file.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: help install demo up deploy-reset test lint format bench clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## Make .venv with everything pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) found. Set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing Segue into $(VENV) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[test,lint$(if $(EXTRAS),$(comma)$(EXTRAS))]'
	@touch $(STAMP) $(VENV)/.installed

demo: $(STAMP) ## Play a sample shop's year and open its gallery at out/index.html
	@$(BIN)/segue demo

up: $(STAMP) ## Start the Prefect server, its pages and a worker; ends with Ctrl-C
	@$(BIN)/segue up

deploy-reset: $(STAMP) ## Put every deployment back to prefect.yaml, losing changes made in the pages
	@$(BIN)/segue up -- --reset

# Three processes on two processors: many tests wait, for a lease to run out or a server to plan.
test: $(STAMP) ## Run every test
	@$(BIN)/pytest -n 3 --dist loadgroup -q

lint: $(STAMP) ## Style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## Measure what the README quotes
	@$(BIN)/python -m bench

clean: ## Remove what was made, but not your data in .segue nor the mails and codes in out
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
