# make demo    the network on a local devnet, with honest miners, verifiers and cheats
# make test    everything that CI checks
#
# Both set up what they need first, all of it inside this folder: .venv, node_modules, .build. A second run sets up
# nothing again: a stamp is named after the contents it was made from, so it is old exactly when those have changed.
# `anvil` and `node` of the PATH are used before any other; PYTHON=... names another interpreter.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
FORGE = $$([ -x node_modules/.bin/forge ] && echo node_modules/.bin/forge || echo forge)

# two processes, as measured on two cores; the slow files first, each file by one process (tests/conftest.py)
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

# nothing is written outside this folder
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_cache := $(CURDIR)/.build/npm
export npm_config_update_notifier := false
export SOLCX_BINARY_PATH := $(CURDIR)/.build/solcx
export APE_DATA_FOLDER := $(CURDIR)/.build/ape
export MPLCONFIGDIR := $(CURDIR)/.build/matplotlib
export PATH := $(PATH):$(CURDIR)/node_modules/.bin

# tests start hundreds of processes, which would compile each module again
unexport PYTHONDONTWRITEBYTECODE

# pip installs what pyproject.toml lists, with paths of this folder in it; npm what package-lock.json lists
PIP_STAMP := .venv/.stamp-$(shell { pwd -P; sed '/^\[tool\.\(ruff\|mypy\|pytest\|importlinter\)/,$$d' pyproject.toml; } | cksum | cut -d ' ' -f 1)
NPM_STAMP := node_modules/.stamp-$(shell cat package.json package-lock.json | cksum | cut -d ' ' -f 1)

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 16

.PHONY: setup
setup: prepared ## virtual environment, npm packages, compiled contracts
	@echo "Ready. Next: .venv/bin/pol up    # a whole network; Ctrl-C stops it, and \`pol up\` goes on"

# what other targets need, without the word about what comes next
.PHONY: prepared
prepared: installed
	@$(BIN)/python -m pol_oracle.l1.contracts.artifacts

.PHONY: installed
installed: $(PIP_STAMP) $(NPM_STAMP)

$(PIP_STAMP):
	@tools/find-python > /dev/null
	@# scripts in a virtual environment hold its path: a moved one is made anew
	@grep -qF "$(CURDIR)/.venv" $(BIN)/pip 2>/dev/null || "$$(tools/find-python)" -m venv --clear .venv
	@echo "Installing Python packages into .venv (a few minutes the first time)"
	@$(BIN)/python tools/install_packages.py
	@$(BIN)/python tools/venv_paths.py
	@$(BIN)/python tools/import_all.py
	@rm -f .venv/.stamp-* && touch $@

$(NPM_STAMP):
	@command -v npm > /dev/null || { echo "npm is missing: install Node.js 20 or newer (https://nodejs.org)" >&2; exit 1; }
	@echo "Installing npm packages into node_modules"
	@npm ci --no-audit --no-fund --loglevel=error
	@rm -f node_modules/.stamp-* && touch $@

.PHONY: demo
demo: prepared ## the demo: under 4 minutes; writes figure1.png and demo.json
	@$(BIN)/pol demo

# npm and forge need no Python packages, so they run while those are installed; the linters need no compiled contracts.
# ape comes after forge and the linters, because it puts sources into contracts/.cache for a while; pytest comes last,
# because its last line is the summary
.PHONY: test
test: ## all checks and tests
	@tools/side-by-side '$(MAKE) --no-print-directory $(PIP_STAMP)' '$(MAKE) --no-print-directory test-solidity'
	@tools/side-by-side '$(MAKE) --no-print-directory lint test-ape' '$(MAKE) --no-print-directory kernels'
	$(PYTEST)

.PHONY: check
check: lint ## for between edits: formatters, linters, types, layers and the fast tests
	$(PYTEST) -m 'not slow'

.PHONY: lint
lint: installed ## formatters, linters, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(FORGE) fmt --check
	$(BIN)/lint-imports --cache-dir .build/import-linter

.PHONY: test-solidity
test-solidity: $(NPM_STAMP) ## forge: unit, fuzz and invariant tests of the contracts
	$(FORGE) test

.PHONY: kernels
kernels: prepared
	@$(BIN)/python tools/compile_kernels.py

.PHONY: invariants
invariants: prepared ## forge: the invariants over 10,000 histories (20 minutes)
	FOUNDRY_PROFILE=bench $(FORGE) test --match-contract Invariants

.PHONY: test-ape
test-ape: prepared ## ape: the contracts as users of ape see them
	$(BIN)/ape test
	$(BIN)/ape run deploy --home .build/rehearsal

.PHONY: test-python
test-python: prepared ## pytest: everything else
	$(PYTEST)

.PHONY: large
large: prepared ## pytest: disputes about ResNet-18 of its real size, as its task file has it (ten minutes)
	$(BIN)/python -m pytest tests/adversaries/test_resnet18.py --large -v -o junit_family=xunit1 --junit-xml .build/large.xml

.PHONY: gas
gas: prepared ## table of gas per transaction, against the checked-in one (1 %)
	@$(BIN)/pol bench chain --only gas --check tests/bench/gas.json

.PHONY: bench
bench: prepared ## all benches
	@$(BIN)/pol bench chain
	@$(BIN)/pol bench canonical
	@$(BIN)/pol bench court
	@$(BIN)/pol bench search
	@$(BIN)/pol bench attacks
	@$(BIN)/pol bench cli
	@$(BIN)/pol bench explorer

.PHONY: slither
slither: prepared ## slither over the contracts; fails where docs/slither.md does not explain what it finds
	@[ -x .build/slither/bin/slither ] || { python3 -m venv .build/slither && .build/slither/bin/pip install --quiet slither-analyzer==0.11.6; }
	@rm -f .build/slither.json
	PATH="$(CURDIR)/node_modules/.bin:$(PATH)" .build/slither/bin/slither . --foundry-compile-all --fail-none \
		--filter-paths 'node_modules|tests' --exclude-informational --exclude-optimization --json .build/slither.json
	@$(BIN)/python tools/slither_page.py .build/slither.json

# halmos compiles with other outputs than forge, so into a folder of its own; loops are those that set a tree up
.PHONY: symbolic
symbolic: prepared ## halmos: rules of life cycle, vault and finality, for every state or all work (5 minutes)
	@[ -x .build/halmos/bin/halmos ] || { python3 -m venv .build/halmos && .build/halmos/bin/pip install --quiet halmos==0.3.3; }
	@$(BIN)/python tools/halmos_osaka.py .build/halmos
	PATH="$(CURDIR)/.build/halmos/bin:$(CURDIR)/node_modules/.bin:$(PATH)" FOUNDRY_TEST=tests/solidity/symbolic FOUNDRY_OUT=.build/symbolic \
		FOUNDRY_CACHE_PATH=.build/symbolic/cache .build/halmos/bin/halmos --match-contract '^Symbolic' \
		--forge-build-out .build/symbolic --solver-timeout-assertion 300000 --loop 40

.PHONY: docs
docs: setup ## the site of documents and API, in .build/site; fails on a dead link
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: fmt
fmt: prepared ## formats Python and Solidity
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(FORGE) fmt

.PHONY: wheel
wheel: prepared ## dist/*.whl, with the compiled contracts inside
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

.PHONY: lock
lock: ## requirements.lock: versions and hashes of all Python packages, from a plain index
	@[ -x .build/uv/bin/uv ] || { python3 -m venv .build/uv && .build/uv/bin/pip install --quiet uv; }
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS .build/uv/bin/uv pip compile pyproject.toml --quiet --no-config --all-extras \
		--universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --upgrade \
		--output-file requirements.lock

.PHONY: clean
clean: ## removes all that was set up or built; .pol, with keys and chains, stays
	rm -rf .venv node_modules .build dist pol_oracle/l1/contracts/build .hypothesis .ruff_cache .import_linter_cache .cache contracts/.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
