# The few commands of this repository. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo dev test check bench screenshots web tools

# The web UI's sources: when one of them is newer than the bundle, the bundle is made again.
WEB_SOURCES := $(shell find web/src web/public web/scripts -type f 2>/dev/null) \
	web/index.html web/docs.html web/vite.config.ts web/tsconfig.json web/package.json

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: tools web ## Build everything, start Dialtone and the sandbox, print a sign-in link
	@scripts/say "building the program (about five minutes the first time, seconds after that)"
	@cargo build --release --locked --package dialtone-cli
	@cargo run --release --locked --quiet --package dialtone-cli -- demo

dev: tools web/node_modules/.package-lock.json ## Run the demo and the web UI's development server, which reloads on every change
	@scripts/dev

test: tools ## Install what the tests need if it is missing, then run all of them on both databases
	@scripts/test

check: tools web ## Format, lints, types and the house rules
	@scripts/check

bench: tools web ## Measure the engine, the start of the server, and the store
	@scripts/bench

screenshots: tools web ## Take pictures of every page into screenshots/
	@scripts/screenshots

web: web/dist/index.html

tools:
	@scripts/need-tools

web/node_modules/.package-lock.json: web/package-lock.json
	@scripts/say "installing the web UI's packages (about half a minute)"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@scripts/say "building the web UI (about half a minute)"
	@cd web && npm run --silent build
	@touch $@
