SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 1212
OTLP_HTTP_PORT ?= 4318
OTLP_GRPC_PORT ?= 4317
PORTS = --port $(PORT) --otlp-http-port $(OTLP_HTTP_PORT) --otlp-grpc-port $(OTLP_GRPC_PORT)

BIN := .venv/bin
UI_PAGE := src/gnomon/web/static/index.html
UI_SOURCES := $(shell find ui -name node_modules -prune -o -type f -print)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: python $(UI_PAGE) ## Start Gnomon with a busy sample system and print its URL (PORT=… when 1212 is taken)
	@$(BIN)/python -m examples.demo $(PORTS)

.PHONY: dev
dev: python node ## Start Gnomon and the UI so that both follow your edits
	@$(BIN)/python -m tools.dev $(PORTS)

.PHONY: test
test: python node peers $(UI_PAGE) ## Run every test, with the real peers installed (PYTEST=… adds arguments)
	cd ui && npm test
	$(BIN)/python -m pytest --numprocesses 2 --no-loadscope-reorder $(PYTEST)

.PHONY: check
check: lock-check format-check lint types imports ui-lint ui-types ## Check formats, lint, types and the order of imports (-k: go on after a failure)

.PHONY: lock-check format-check lint types imports ui-lint ui-types
lock-check: python
	$(BIN)/uv lock --check --offline --quiet
format-check: python
	$(BIN)/ruff format --check .
lint: python
	$(BIN)/ruff check .
types: python
	$(BIN)/mypy
imports: python
	$(BIN)/lint-imports
ui-lint: node
	cd ui && npm run --silent lint
ui-types: node
	cd ui && npm run --silent typecheck

.PHONY: format
format: python ## Format Python and fix what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: python peers ## Measure Gnomon beside its peers (takes long, wants a quiet machine)
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: ui
ui: node ## Build the UI into the package
	cd ui && npm run build

.PHONY: peers
peers: python ## Install the real peers that tests and benchmarks compare with
	@$(BIN)/python -m tests.peers install

.PHONY: lock
lock: python ## Write the lock files anew after a change of dependencies
	$(BIN)/uv lock
	cd ui && npm install --package-lock-only

.PHONY: clean
clean: ## Remove what the other commands made, but for the cache of peers outside the checkout
	rm -rf .venv .cache .demo dist ui/node_modules src/gnomon/web/static tests/artifacts
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: python
python:
	@tools/prepare_python

.PHONY: node
node:
	@tools/prepare_ui

$(UI_PAGE): $(UI_SOURCES) | node
	cd ui && npm run --silent build
	@touch $@
