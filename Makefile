# Every goal sets up what it needs. Python >= 3.11 and make are enough; PYTHON=... names another interpreter.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)
WORKERS ?= 2

# Tests start some two hundred processes, each of which would compile the package anew: a third of a second.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
IN_PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A file is one worker's: the longest come first, and many short ones last. These send many thousands of frames, or
# open thousands of sessions, and no line of the code is run by them alone. In one run with all others they took longer.
BULK := tests/rehoming/test_crowds.py tests/choosing/test_leases.py tests/gateway/test_outages.py \
	tests/choosing/test_hedging.py tests/gateway/test_exactness.py tests/strategies/test_properties.py \
	tests/health/test_anything.py tests/benchmarks tests/solid
NODE_TESTS := tests/clients/node

# A stamp says that pip or npm has run; it is renewed when the file that lists what to install changes.
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready
NODE_READY := $(VENV)/.node-ready

# A client of 2024 needs an environment of its own: two versions of one package cannot share any. Beside it lie
# the versions that corrected its types.
BETA_VENV := .venv-openai-1.58
BETA_CORRECTED := 1.68.0 1.96.0 1.96.1
BETA_READY := $(VENV)/.openai-beta-ready

# HAProxy and nginx are measured as the system has them, and so is Python, unless another is named: a distribution
# builds it with profiles. What was compiled without (pyenv's are) takes a fifth more for each frame.
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
BENCH_PYTHON = $(shell for python in $(if $(filter file,$(origin PYTHON)),/usr/bin/python3) $(PYTHON); do \
	$$python -c 'import ensurepip; $(IS_NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

# LiteLLM pins most of what it needs. Newer ones ask for versions that cannot be had together.
LITELLM_VENV := .venv-litellm
LITELLM_READY := $(LITELLM_VENV)/.ready
LITELLM ?= litellm[proxy]==1.106.0

# To count lines takes as long as all the tests do, so it is a goal of its own.
LEAST_COVERED ?= 95

# One mutant at a time unless told otherwise: a machine that others use times out what a quiet one kills.
MUTANTS_READY := $(VENV)/.mutants-ready
MUTANTS_AT_ONCE ?= 1
LEAST_KILLED ?= 85

# Seconds for each parser. FUZZ names some of them.
FUZZ_READY := $(VENV)/.fuzz-ready
FUZZ_S ?= 60
FUZZ ?= $(notdir $(wildcard tests/fuzz/corpus/*))

AUDIT_READY := $(VENV)/.audit-ready

.PHONY: help demo test coverage lint format mutants fuzz audit lock bench bench-peers scoreboard clean

help: ## Show the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(RUN_READY) ## Watch live calls outlive one of two simulated providers: no key, no network
	@$(BIN)/realtime-lb demo

# PYTHONASYNCIODEBUG=1 has it in asyncio's debug mode, in which no turn of a loop of ours may take 50 ms; it takes long.
test: lint $(NODE_READY) $(BETA_READY) ## Style, types and layers, then every test
	$(BIN)/python -m pytest $(IN_PARALLEL) $(BULK:%=--ignore=%)
	$(BIN)/python -m pytest $(IN_PARALLEL) $(BULK)

coverage: $(DEV_READY) $(NODE_READY) $(BETA_READY) ## What the tests reach of the code, by branches
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(IN_PARALLEL) $(BULK:%=--ignore=%)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(LEAST_COVERED)

lint: $(DEV_READY) ## Style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_READY) ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

mutants: $(MUTANTS_READY) ## Break strategies/ and health/ in two thousand ways and count what the tests notice, half an hour
	@rm -rf mutants
	$(BIN)/mutmut run --max-children $(MUTANTS_AT_ONCE)
	@$(BIN)/mutmut results --all true | $(BIN)/python -m benchmarks.mutants --least $(LEAST_KILLED)

fuzz: $(FUZZ_READY) ## Throw bytes at our own parsers, led by what they run: a minute each, or FUZZ_S=600
	@for target in $(FUZZ); do $(BIN)/python -m tests.fuzz $$target $(FUZZ_S) || exit 1; done

audit: $(AUDIT_READY) ## Look for keys in the files, and for known holes in what requirements.txt names (asks pypi.org)
	$(BIN)/detect-secrets-hook --baseline .secrets.baseline $$(git ls-files)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt

lock: $(AUDIT_READY) ## Renew requirements.txt, the versions and hashes of what realtime-lb[all] needs
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --all-extras --no-emit-package realtime-lb \
	  --custom-compile-command 'make lock' --output-file requirements.txt pyproject.toml

bench: $(BENCH_READY) ## Measure us beside other proxies, half an hour; BENCH=--help says what can be had in less
	@$(BENCH_VENV)/bin/python -m benchmarks.rig $(BENCH)
	@$(BENCH_VENV)/bin/python -m benchmarks.picking

scoreboard: $(DEV_READY) ## Bad days, here and behind other proxies, an hour: docs/reference/scoreboard.md; SCOREBOARD=--help, SOAK_S=600
	@$(BIN)/python -m benchmarks.scoreboard $(or $(SCOREBOARD),--save)

bench-peers: $(LITELLM_READY) ## Install what 'make bench' compares us with: HAProxy, nginx, LiteLLM
	@PATH="$$PATH:/usr/sbin"; if command -v haproxy >/dev/null && command -v nginx >/dev/null; then exit 0; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing Debian's haproxy and nginx"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy nginx; \
	else echo "haproxy and nginx are missing: 'sudo apt-get install haproxy nginx', or as your system installs them." \
	  "They need not run as services."; fi

clean: ## Remove all that the goals have made
	rm -rf $(VENV) $(BETA_VENV) $(BENCH_VENV) $(LITELLM_VENV) .bench .fuzz mutants $(NODE_TESTS)/node_modules .coverage .coverage.* htmlcov dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Of which Python, and where.
define environment
	@$(or $(1),false) -c '$(IS_NEW_ENOUGH)' || { echo >&2 \
	  "Python 3.11 or newer is needed: install it, or name it with 'make PYTHON=/path/to/python ...'"; exit 1; }
	@echo "Creating $(2) with $$($(1) --version) ($(1))"
	@$(1) -m venv $(2)
endef

$(BIN)/python:
	$(call environment,$(PYTHON),$(VENV))

$(BENCH_VENV)/bin/python:
	$(call environment,$(BENCH_PYTHON),$(BENCH_VENV))

$(RUN_READY): pyproject.toml | $(BIN)/python
	@echo "Installing realtime-lb[cli] into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[cli]'
	@touch $@

$(DEV_READY): pyproject.toml | $(BIN)/python
	@echo "Installing realtime-lb and its development tools into $(VENV) (half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'  # knows dependency groups
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . --group dev
	@touch $@ $(RUN_READY)

# Without node the stamp is not set, and the tests that need it say that they did not run.
$(NODE_READY): $(wildcard $(NODE_TESTS)/package*.json) | $(BIN)/python
	@if [ -f $(NODE_TESTS)/package.json ] && command -v node >/dev/null && command -v npm >/dev/null; then \
	  echo "Installing the Node clients that the tests use"; \
	  (cd $(NODE_TESTS) && npm $$([ -f package-lock.json ] && echo ci || echo install) --silent --no-audit --no-fund) \
	  && touch $@; fi

# Where it cannot be had the stamp is not set, and the tests that need it say that they did not run.
$(BETA_READY): | $(BIN)/python
	@echo "Installing the beta client that the tests use into $(BETA_VENV)"
	@if $(BIN)/python -m venv --clear $(BETA_VENV) \
	  && $(BETA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	    'openai[realtime]==1.58.1' \
	  && (for version in $(BETA_CORRECTED); do \
	    $(BETA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	      --target $(BETA_VENV)/corrected/$$version "openai==$$version" || exit; done); \
	then touch $@; else rm -rf $(BETA_VENV); echo "openai 1.58.1 cannot be installed here"; fi

$(BENCH_READY): pyproject.toml | $(BENCH_VENV)/bin/python
	@echo "Installing realtime-lb and its load rig into $(BENCH_VENV)"
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'  # knows dependency groups
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e . --group bench
	@touch $@

$(MUTANTS_READY): pyproject.toml | $(BIN)/python
	@echo "Installing realtime-lb, its development tools and mutmut into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'  # knows dependency groups
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . --group mutants
	@touch $@

$(FUZZ_READY): pyproject.toml | $(BIN)/python
	@echo "Installing realtime-lb, its development tools and atheris into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'  # knows dependency groups
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . --group fuzz
	@touch $@

$(AUDIT_READY): pyproject.toml | $(BIN)/python
	@echo "Installing what looks for keys and known holes into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'  # knows dependency groups
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group audit
	@touch $@

# Where it cannot be had, the table says that it is missing.
$(LITELLM_READY): | $(BENCH_VENV)/bin/python
	@echo "Installing $(LITELLM) into $(LITELLM_VENV) (a minute)"
	@$(BENCH_VENV)/bin/python -m venv $(LITELLM_VENV) \
	  && $(LITELLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check '$(LITELLM)' \
	  && touch $@ || { rm -rf $(LITELLM_VENV); echo "$(LITELLM) cannot be installed here"; }
