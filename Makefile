# `make run` and `make test` need only Python >= 3.11 and make; what else they need goes into .venv, once.
# Another interpreter: make run PYTHON=python3.12. Another address: make run LISTEN=127.0.0.1:19470.

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-desks test-faults test-e2e check bench bench-delivery bench-replay fault-runs judge golden docs lock clean

# The first interpreter that is new enough; tools/setup.py says what to do when there is none.
PYTHON := $(or $(PYTHON),$(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done),python3)
BIN := .venv/bin
# The checkout must not shadow what is installed: in CI the tests are of the built wheel.
PYTEST := PYTHONSAFEPATH=1 $(BIN)/pytest

export FORETELL_STATE_DIR ?= $(CURDIR)/.state

define environment
@command -v $(PYTHON) >/dev/null || { echo "foretell: there is no $(PYTHON) here; cure: install Python 3.11 or newer, or name yours: make $@ PYTHON=/path/to/python" >&2; exit 1; }
@$(PYTHON) tools/setup.py
endef

help: ## list what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## make .venv with everything needed to work on Foretell
	$(environment) dev

run: ## start the agent on this host, its state in .state/
	$(environment) run
	@exec $(BIN)/foretell run $(if $(LISTEN),--listen $(LISTEN))

demo: ## play a recorded week of a filling disk at high speed
	$(environment) run
	@exec $(BIN)/foretell demo

test: ## run the tests that need no real desk, no root and no minutes
	$(environment) dev
	@$(PYTEST) -n auto --maxprocesses 4 -m "not desks and not faults and not e2e"

test-desks: ## run the tests against real service desks on loopback
	$(environment) dev
	@$(PYTEST) -m desks

test-faults: ## run the tests that kill, fill and cut (root)
	$(environment) dev
	@$(PYTEST) -m faults

test-e2e: ## run the whole way on real parts (root)
	$(environment) dev
	@$(PYTEST) -m e2e

CHECKS := "ruff check" "ruff format --check" mypy "mypy tools" "lint-imports --no-cache" "deptry ." typos \
	"python tools/check_licences.py" "python tools/make_docs.py --check"
check: ## style, types, imports, dependencies, licences, spelling, generated pages
	$(environment) dev
	@wrong=0; for step in $(CHECKS); do \
		echo "== $$step"; $(BIN)/$$step || wrong=1; \
	done; exit $$wrong

bench: ## measure what the agent costs on this host
	$(environment) run
	@$(BIN)/python tools/bench.py

bench-replay: ## measure how fast a history is replayed
	$(environment) run
	@$(BIN)/python tools/bench_replay.py

judge: ## score the rules on histories whose truth is known: DATA=FOLDER
	$(environment) dev
	@$(BIN)/python tools/judge.py $(DATA)

bench-delivery: ## measure how a courier empties a long outbox
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_delivery.py

fault-runs: ## run every fault against the real desks, every kill included (root, half an hour)
	$(environment) dev
	@$(BIN)/python tools/fault_runs.py

golden: ## record the golden files anew, to be read with git diff
	$(environment) dev
	@RENEW_GOLDEN=1 $(PYTEST) -m "not desks and not faults and not e2e"
	@git status --short tests/golden

docs: ## write docs/reference and the sample configuration anew
	$(environment) dev
	@$(BIN)/python tools/make_docs.py

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
lock: ## write requirements/ anew; add UPGRADE=--upgrade for newer releases (needs uv)
	@command -v uv >/dev/null || { echo "foretell: there is no uv here; cure: pipx install uv" >&2; exit 1; }
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(UPGRADE) --group build -o requirements/build.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra contract --group build --group dev \
		-c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt

clean: ## remove .venv and every cache; .state/ stays
	rm -rf .venv dist build .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
