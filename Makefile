# Two commands do everything: `make run` builds and starts Clearspan, `make test` runs all tests.

SHELL := /bin/bash
CARGO ?= cargo
NPM ?= npm
# Always the whole workspace and one profile: Cargo unifies features per selection of packages, and another
# selection would build DataFusion a second time (docs/adr/0002-one-build.md).
BUILD := $(CARGO) build --release --workspace
TARGET_DIR := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
BIN := $(TARGET_DIR)/release/clearspan
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: check-tools
check-tools:
	@missing=""; \
	command -v $(CARGO) >/dev/null || missing="$$missing\n  Rust 1.95 or newer: see https://rustup.rs"; \
	command -v cc >/dev/null || missing="$$missing\n  a C compiler: on Debian, apt-get install build-essential"; \
	command -v $(NPM) >/dev/null || missing="$$missing\n  Node.js 20.19 or newer with npm: on Debian, apt-get install nodejs npm"; \
	if [ -n "$$missing" ]; then printf "Clearspan cannot be built; this is missing:$$missing\n" >&2; exit 1; fi; \
	node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
	  || { echo "Node.js $$(node --version) is too old; 20.19 or newer is needed" >&2; exit 1; }

ui/node_modules/.package-lock.json: ui/package.json ui/package-lock.json | check-tools
	cd ui && $(NPM) ci --no-audit --no-fund
	@touch $@

.PHONY: ui
ui: ui/node_modules/.package-lock.json ## Build the web UI
	cd ui && $(NPM) run --silent build

.PHONY: build
build: check-tools ui ## Build UI and server (the first time takes about a quarter of an hour on two cores)
	$(BUILD)

.PHONY: run
run: build ## Build and start Clearspan (ARGS="--http 127.0.0.1:5000" to change settings)
	exec $(BIN) serve $(ARGS)

.PHONY: demo
demo: ## Send demo traces to the server that runs
	$(BIN) demo $(ARGS)

.PHONY: dev
dev: ui/node_modules/.package-lock.json ## Serve the UI with hot reload against a server on port 4318
	cd ui && $(NPM) run dev

.PHONY: test
test: build ## Run all tests: Rust, UI, browser, SDKs
	tests/run.sh $(BIN)

.PHONY: lint
lint: ui/node_modules/.package-lock.json ## Check format, lints, structure, licences, spelling
	tests/lint.sh

.PHONY: bench
bench: build ## Measure the server on this machine
	$(CARGO) xtask bench $(ARGS)

.PHONY: faults
faults: build ## Kill, cut the power, fail the disk and flip bits, many times (about an hour)
	CLEARSPAN_CRASH_KILLS=300 CLEARSPAN_POWER_CUTS=50 CLEARSPAN_CRASH_STATES=20000 CLEARSPAN_BIT_FLIPS=2000 \
	  $(CARGO) test --release --workspace --lib --test it -- --nocapture acknowledged_runs_survive the_disk failed_syncs is_found_out

.PHONY: fmt
fmt: ## Format everything
	$(CARGO) fmt --all
	cd ui && $(NPM) run --silent format
