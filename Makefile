# The commands of this project. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

STACK := dev
LAB := demo
HOST := mirror
IN := toolchain/with-environment
CLI := $(IN) pulumi --non-interactive --color auto
NODE := $(IN) node

.PHONY: help demo test preview up refresh destroy stack lab-up lab-down lab-status ssh lint docs bench clean set-up tools npm

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Set further arguments in ARGS: make preview ARGS="--diff"'

demo: lab-up stack ## Boot the lab, build its mirrors, configure its MAAS, install a package on a client
	@$(CLI) preview --stack $(STACK) $(ARGS)
	@$(CLI) up --stack $(STACK) --yes --skip-preview $(ARGS)

test: ## Run everything: set-up, lint, unit, contract, lab and end-to-end tests
	@toolchain/set-up packages npm pulumi
	@$(NODE) toolchain/testing/all.ts

test-quick: ## Lint, and run the tests without the lab that the changes touch (SINCE=COMMIT)
	@toolchain/set-up packages npm pulumi
	@$(NODE) toolchain/testing/quick.ts

preview: stack ## Show what an update would change
	@$(CLI) preview --stack $(STACK) $(ARGS)

up: stack ## Carry out the update
	@$(CLI) up --stack $(STACK) --yes $(ARGS)

refresh: stack ## Read the hosts into the state
	@$(CLI) refresh --stack $(STACK) --yes $(ARGS)

destroy: stack ## Remove what the stack made
	@$(CLI) destroy --stack $(STACK) --yes $(ARGS)

lab-up: set-up ## Boot the lab's hosts
	@$(NODE) lab/main.ts up --name $(LAB)

lab-down: npm ## Shut the lab down and remove its files
	@$(NODE) lab/main.ts down --name $(LAB)

lab-status: npm ## List the hosts that run
	@$(NODE) lab/main.ts status --name $(LAB)

ssh: npm ## Open a shell on a host (HOST=mirror), or run a command there (CMD="...")
	@$(NODE) lab/main.ts ssh --name $(LAB) -- $(HOST) $(if $(CMD),"$$CMD")

lint: npm ## Check formatting, lint rules, types and scripts
	@$(NODE) toolchain/lint/main.ts

docs: npm ## Write docs/reference and stack.schema.json from the schemas of arguments
	@$(NODE) toolchain/docs/main.ts

bench: set-up ## Measure against other tools and write docs/performance.md
	@$(NODE) bench/main.ts $(ARGS)

clean: ## Shut all labs down and remove all files that were built or cached
	@if [ -e node_modules/.bin/node ] && [ -d .lab ]; then $(NODE) lab/main.ts down --all; fi
	rm -rf .lab .cache node_modules

set-up:
	@toolchain/set-up packages npm pulumi

npm:
	@toolchain/set-up npm

tools:
	@toolchain/set-up npm pulumi

stack: tools
	@$(IN) pulumi stack select --create $(STACK) >/dev/null
