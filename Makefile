# Every command of a developer. `make` alone lists them; each sets up what it needs, and does so once.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first of these that is a Python we support; a name on the path may be an empty shim.
SUPPORTED := import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install
LOCKED := $(PIP) --require-hashes --only-binary :all:
# Stamps: a set-up is repeated only when a lock or the packaging changes.
RUNTIME := $(VENV)/.runtime-ready
DEV := $(VENV)/.dev-ready
SOURCES := src scripts tests $(wildcard bench)
step = printf '  %-9s %s\n' '$(1)' '$(2)'

# ts-mls, beside which tests/mls/interop and `bench mls` run where Node.js is there; never shipped.
INTEROP := tests/mls/interop/node

# The web app's sources; what is built of them is committed, so only who changes them needs Node.js.
WEB := web/node_modules/.package-lock.json

.PHONY: help setup demo check test test-slow interop soak crash bench fuzz docs wire web screens lock format clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(DEV) ## make .venv with everything a developer needs, from the lock files

demo: $(RUNTIME) ## two homeservers, two people, end to end on this machine
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/connexa dev demo; else $(BIN)/connexa dev demo --once; fi

check: $(DEV) ## format, lint, types, import rule, generated wire code (under a minute)
	@$(call step,format,ruff format) && $(BIN)/ruff format --check --quiet --diff $(SOURCES)
	@$(call step,lint,ruff) && $(BIN)/ruff check --quiet $(SOURCES)
	@$(call step,types,mypy) && $(BIN)/mypy --no-error-summary $(SOURCES)
	@$(call step,imports,import-linter) && $(BIN)/lint-imports --no-logo > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }
	@$(call step,wire,protoc) && $(BIN)/python scripts/generate_wire.py --check > $(VENV)/wire.txt || { cat $(VENV)/wire.txt; exit 1; }
	@echo "all good"

test: $(DEV) ## unit tests and scenarios, three at a time
	@$(if $(shell command -v npm),$(MAKE) interop || echo "  without ts-mls: its tests are skipped")
	@$(BIN)/python -m pytest -n 3 --dist loadgroup -m "not slow" $(ARGS)

test-slow: $(DEV) ## the tests that take minutes, two at a time
	@$(if $(shell command -v npm),$(MAKE) $(WEB) || echo "  without the tools of the web app: what needs them is skipped")
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m slow $(ARGS)

interop: $(INTEROP)/node_modules/.package-lock.json ## ts-mls for the interop tests, by the lock file; needs Node.js 20
	@:

$(INTEROP)/node_modules/.package-lock.json: $(INTEROP)/package-lock.json
	@$(call step,setup,ts-mls by hash)
	@cd $(INTEROP) && npm ci --loglevel=error --no-progress > /dev/null
	@touch $@

soak: $(DEV) ## a hundred thousand messages over a post that loses, doubles and reorders: make soak SOAK_MESSAGES=1000000
	@SOAK_MESSAGES=$(or $(SOAK_MESSAGES),100000) $(BIN)/python -m pytest -s -m slow tests/scenarios/test_soak.py

crash: $(DEV) ## a hundred times kill -9 of a homeserver under load: make crash CRASH_ROUNDS=1000
	@CRASH_ROUNDS=$(or $(CRASH_ROUNDS),100) $(BIN)/python -m pytest -s -m slow tests/scenarios/test_crash.py

bench: $(RUNTIME) ## the figures that we claim: make bench NAME=message
	@$(BIN)/python -m bench $(NAME) --json

FUZZ = $(BIN)/python -m tests.fuzz --frames $(or $(FRAMES),1000000) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

fuzz: $(DEV) ## mutated frames through every parser, and as many through those of groups: make fuzz FRAMES=1000000
	@$(FUZZ) $(or $(ARGS),&& $(FUZZ) --target 'mls.*')

docs: $(DEV) ## write the parts of docs/ that are generated from the code
	@$(BIN)/python scripts/generate_docs.py

wire: $(DEV) ## generate src/connexa/wire/v1 from proto/
	@$(BIN)/python scripts/generate_wire.py

web: $(WEB) $(DEV) ## build the web app into src/connexa/web/dist; needs Node.js 20.19
	@$(call step,types,tsc) && cd web && npx --no-install tsc --noEmit
	@$(call step,lint,biome) && cd web && npx --no-install biome check --log-level=error src
	@$(call step,build,vite) && cd web && npx --no-install vite build --logLevel warn
	@$(BIN)/python scripts/web_build.py

$(WEB): web/package-lock.json
	@$(call step,setup,the web app by hash)
	@cd web && npm ci --loglevel=error --no-progress > /dev/null
	@touch $@

screens: $(DEV) ## pictures of the web app into docs/screens; needs Chromium
	@$(BIN)/python -m scripts.screens

lock: $(DEV) ## pin the newest allowed dependencies, with hashes
	@$(BIN)/python scripts/lock.py

format: $(DEV) ## write the format and the safe fixes
	@$(BIN)/ruff check --quiet --fix $(SOURCES); $(BIN)/ruff format --quiet $(SOURCES)

clean: ## remove .venv and every cache
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(INTEROP)/node_modules web/node_modules

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Connexa needs Python 3.11, 3.12 or 3.13 (PYTHON=/path/to/python make …)" >&2; exit 1; }
	@$(call step,setup,$(VENV) with $(PYTHON))
	@$(PYTHON) -m venv $(VENV)

# The package is installed last, by itself, from this checkout.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@$(call step,setup,runtime dependencies by hash)
	@$(LOCKED) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME) | $(BIN)/python
	@$(call step,setup,developer dependencies by hash)
	@$(LOCKED) -r requirements-dev.lock
	@touch $@
