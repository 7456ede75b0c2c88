# Needs make, a shell and Python 3.11 or newer; everything else is installed below .venv, all state is below .rastro.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 …` names another.
PYTHON ?= $(shell for one in python3 python3.13 python3.12 python3.11 python; do \
	$$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$one && break; done)

# Tools that keep a cache want a home folder; without one they get a place below .rastro.
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/.rastro/home
endif

# Compiled once, Airflow starts in half the time.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
RUN := PYTHONPATH=include $(PY)
# Shared out to the cores, but for what is started once for many tests.
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
RUNTIME := .venv/.runtime
TOOLS := .venv/.tools

# An environment does not survive being moved: one made elsewhere is made anew.
$(shell [ ! -f .venv/.place ] || [ "$$(cat .venv/.place)" = "$$PWD" ] || rm -rf .venv)

.PHONY: help install demo up test check docs sbom chaos mutate bench lock clean

SCHEDULES ?= 2000
SEED ?= 7

help: ## What there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-7s %s\n' "$$name" "$$text"; done

install: $(TOOLS) ## Everything that Rastro and its tests need, into .venv; nothing is started

demo: $(RUNTIME) ## Some hours of parcels' life against simulated services, then Airflow's UI; EXIT=1 ends after the check, WORLD=wide has all carriers
	@EXIT='$(EXIT)' WORLD='$(WORLD)' $(RUN) -m stack.demo

up: $(RUNTIME) ## PostgreSQL and Airflow with your own connections, from the environment and .env
	@$(RUN) -m stack.up

test: $(TOOLS) ## Every test; REQUIRE_BROWSER=1 makes a missing Chromium a failure
	@$(PYTEST) --durations=15 --durations-min=1 $(ARGS)

check: $(TOOLS) ## Format, lint, types and the fast tests
	@$(PY) -m ruff format --check
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@$(PYTEST) -q -m 'not slow' $(ARGS)

docs: $(TOOLS) ## The pages below docs/ as a site in build/site, which needs nobody's servers
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet --strict
	@echo 'Open build/site/index.html; for its search: .venv/bin/python -m http.server -d build/site'

sbom: $(TOOLS) ## Every package that Rastro runs on, with its version, as CycloneDX: build/sbom.json
	@$(RUN) -m stack.sbom

chaos: $(TOOLS) ## Faults between any two steps, judged from outside; SCHEDULES=2000 SEED=7, ONLY=n replays one
	@PYTHONPATH=include:tests $(PY) -m chaos --schedules $(SCHEDULES) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(ARGS)

mutate: $(TOOLS) ## Whether the tests notice a wrong word in the pure core
	@$(RUN) -m stack.mutate $(ARGS)

bench: $(TOOLS) ## What it costs, beside its comparisons; QUICK=1 once at smaller sizes, ONLY=name runs one, TIMES=1 once
	@$(RUN) -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(TIMES),--times $(TIMES))

lock: $(PY) ## Pin what requirements.in and requirements-dev.in ask for; UPGRADE=1 takes the newest
	@$(find_uv); [ "$$uv" ] || { echo 'make lock needs uv: https://docs.astral.sh/uv/'; exit 1; }; \
	echo 'Resolving requirements …'; \
	"$$uv" $(LOCK) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt && \
	"$$uv" $(LOCK) $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.txt

clean: ## Stop what runs here, and remove .rastro, .venv and all caches
	@[ ! -x $(PY) ] || PYTHONPATH=include $(PY) -m stack.stop
	@rm -rf .rastro .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build include/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Clean.'

# uv installs in seconds what takes pip minutes: the machine's own, else one in .venv, else none.
define find_uv
uv=; if uv --version >/dev/null 2>&1; then uv=uv; \
elif [ -x .venv/bin/uv ] || { $(PY) -m pip install --quiet --disable-pip-version-check uv >/dev/null 2>&1; }; then uv=.venv/bin/uv; fi
endef

define install
$(find_uv); if [ "$$uv" ]; then "$$uv" pip install --quiet --python $(PY) $(1); \
else $(PY) -m pip install --quiet --disable-pip-version-check $(1); fi
endef

$(PY):
	@[ '$(PYTHON)' ] || { echo 'Rastro needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3 …'; exit 1; }
	@echo 'Creating .venv …'
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; uv --quiet venv --seed --python '$(PYTHON)' .venv; } \
		|| { echo 'Python cannot create environments here: install its venv module (Debian: python3-venv)'; exit 1; }
	@printf '%s' "$$PWD" > .venv/.place

$(RUNTIME): requirements.txt pyproject.toml | $(PY)
	@echo 'Installing what Rastro runs on (the first time takes a minute or two) …'
	@$(call install,--require-hashes -r requirements.txt)
	@$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

$(TOOLS): requirements-dev.txt $(RUNTIME)
	@echo 'Installing the test tools …'
	@$(call install,--require-hashes -r requirements-dev.txt)
	@touch $@
