# `make run` and `make test` need only Python >= 3.11 and make; what else they need goes into .venv, once.
# Another interpreter: make run PYTHON=python3.12. Another address: make run LISTEN=127.0.0.1:19470.

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-desks test-faults test-collect test-e2e test-browser test-install test-fleet check pictures bench bench-page bench-bundle bench-collectors bench-delivery bench-files bench-fleet bench-replay bench-replay-prometheus bench-report fault-matrix fault-runs fleet-outage simulate soak fuzz judge golden messages docs sbom audit lock clean

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
	@$(PYTEST) -n auto --maxprocesses 4 -m "not desks and not faults and not e2e and not collect and not fleet and not install and not browser"

test-desks: ## run the tests against real service desks on loopback
	$(environment) dev
	@$(PYTEST) -m desks

test-faults: ## run the tests that kill, fill and cut (root)
	$(environment) dev
	@$(PYTEST) -m faults

test-collect: ## run the collectors against real plugins, exporters, servers and Debian systems (root)
	$(environment) dev
	@$(PYTEST) -m collect

test-e2e: ## run the whole way on real parts (root)
	$(environment) dev
	@$(PYTEST) -m e2e

test-browser: ## look at the page in a real browser (chromium)
	$(environment) browser
	@$(PYTEST) -m browser

test-install: ## build the Debian package and run it under a real systemd (root)
	$(environment) dev
	@$(PYTEST) -m install

CHECKS := "ruff check" "ruff format --check" mypy "mypy tools deploy/privileged" "lint-imports --no-cache" "deptry ." typos \
	"python tools/check_licences.py" "python tools/make_docs.py --check" "python tools/messages.py --check"
test-fleet: ## run the relay between real Alertmanagers, Prometheus and a real desk, with parts that fail (root)
	$(environment) dev
	@$(PYTEST) -m fleet

check: ## style, types, imports, dependencies, licences, spelling, generated pages
	$(environment) dev
	@wrong=0; for step in $(CHECKS); do \
		echo "== $$step"; $(BIN)/$$step || wrong=1; \
	done; exit $$wrong

example: ## write docs/example-care.md anew: the care of a case at a real Request Tracker (root)
	$(environment) dev
	@EXAMPLE=docs/example-care.md $(PYTEST) -m e2e tests/e2e/test_care.py

pictures: ## photograph the page anew for docs/status-page.md (chromium)
	$(environment) browser
	@PICTURES=docs/pictures $(PYTEST) -m browser -k pictures tests/agent/web
	@command -v pngquant >/dev/null && pngquant --force --ext .png --speed 1 docs/pictures/page-*.png || echo "pngquant is not installed: the pictures stay large; cure: apt-get install pngquant"

bench: ## measure what the agent costs beside node_exporter (root, half an hour): SECONDS=180 for a look, PEERS=all for more
	$(environment) run
	@$(BIN)/python tools/bench.py $(or $(SECONDS),1800) $(PEERS)

bench-collectors: ## measure what a run of each collector costs: processor time, system calls (strace)
	$(environment) run
	@$(BIN)/python tools/bench_collectors.py
	@$(BIN)/python tools/make_docs.py

bench-growth: ## measure how a cycle grows with mounts, services, series, history, queue and cases (root)
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_growth.py

bench-profile: ## measure where the daemon's memory and a cycle's time go
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_profile.py

bench-replay: ## measure how fast a history is replayed
	$(environment) run
	@$(BIN)/python tools/bench_replay.py

bench-replay-prometheus: ## measure a replay of 200 hosts and 14 days from a real Prometheus (a quarter of an hour)
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_replay_prometheus.py

judge: ## score the rules on histories whose truth is known: DATA=FOLDER
	$(environment) dev
	@$(BIN)/python tools/judge.py $(DATA)

bench-delivery: ## measure how a courier empties a long outbox
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_delivery.py

bench-page: ## measure how long a reader waits for a page of 500 cases, and what it weighs
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_page.py

bench-fleet: ## measure the relay between two Alertmanagers and a desk: 10,000 hosts, 50,000 alerts (some minutes)
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_fleet.py

bench-files: ## measure the relay's memory while ten agents bring it a file of ten megabytes each
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_files.py

fleet-outage: ## take the desk away from a fleet's middle for an hour: MINUTES=60
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/fleet_outage.py $(or $(MINUTES),60)

bench-bundle: ## measure what a bundle of a 2 GB journal takes, and the daemon beside it (root)
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_bundle.py

bench-report: ## measure what a health report of 400 days takes
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/bench_report.py

fault-runs: ## run every fault against the real desks, every kill included (root, half an hour)
	$(environment) dev
	@$(BIN)/python tools/fault_runs.py

fault-matrix: ## run the fault matrix, and write down what came of each row: ROWS="2 7" for some (root, a quarter of an hour)
	$(environment) dev
	@$(BIN)/python tools/fault_matrix.py $(ROWS)

fuzz: ## try hostile input on every reader for some minutes: MINUTES=10, one reader with ONLY=configuration
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/fuzz.py --minutes $(or $(MINUTES),5) --only "$(ONLY)"

SEEDS ?= 0-1000
simulate: ## live a thousand lives of the agent in which everything goes wrong: SEEDS=17 or 0-100000, JOBS=2, REPORT=1
	$(environment) dev
	@PYTHONPATH=tests/support $(BIN)/python tools/simulate.py $(SEEDS) $(if $(JOBS),--jobs $(JOBS)) $(if $(REPORT),--report)

soak: ## watch the daemon for hours for what grows: HOURS=1, or HOURS=24 SPEED=100 for a day in a quarter of an hour
	$(environment) dev
	@$(BIN)/python tools/soak.py $(or $(HOURS),1) $(if $(SPEED),--speed $(SPEED))

messages: ## bring the catalogues of tickets' languages up to date, and say what is left to translate
	$(environment) dev
	@$(BIN)/python tools/messages.py

all-zones: ## check the window planner in every time zone, around every clock change (a quarter of an hour)
	$(environment) dev
	@$(BIN)/python tools/all_zones.py

golden: ## record the golden files anew, to be read with git diff
	$(environment) dev
	@RENEW_GOLDEN=1 $(PYTEST) -m "not desks and not faults and not e2e and not collect and not fleet and not install and not browser"
	@git status --short tests/golden tests/fixtures

docs: ## write docs/reference and the sample configuration anew
	$(environment) dev
	@$(BIN)/python tools/make_docs.py

sbom: ## write dist/foretell-VERSION.cdx.json: what the agent is made of, under which licences (CycloneDX)
	$(environment) supply
	@$(BIN)/python tools/sbom.py

audit: ## look the locked dependencies up among known vulnerabilities; AUDIT_REQUIRED=1 fails where nobody can be asked
	$(environment) supply
	@$(BIN)/python tools/audit.py $(AUDIT)

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
lock: ## write requirements/ anew; add UPGRADE=--upgrade for newer releases (needs uv)
	@command -v uv >/dev/null || { echo "foretell: there is no uv here; cure: pipx install uv" >&2; exit 1; }
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(UPGRADE) --group build -o requirements/build.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra contract --extra encryption --group build --group dev \
		-c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra contract --extra encryption --group build --group dev --group supply \
		-c requirements/dev.txt -o requirements/supply.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra contract --extra encryption --group build --group dev --group supply --group browser \
		-c requirements/supply.txt -o requirements/browser.txt

clean: ## remove .venv and every cache; .state/ stays
	rm -rf .venv dist build .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
