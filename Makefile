# make demo     the whole story on a real model: sign, verify, check, load in the sandbox, and every refusal
# make test     the test suite
# make lint     ruff and mypy --strict
# make bench    what it costs; writes benchmarks/results/spine.md
# make bench-convert  formats side by side; writes benchmarks/results/convert.md
# make bench-scan  the scanner side by side with its peers; writes benchmarks/results/scan.md and scan.png
# make bench-trust  signing and verifying beside hashlib, openssl and model_signing; writes benchmarks/results/trust.md
# make bench-sandbox  the sandbox beside joblib and multiprocessing; writes benchmarks/results/sandbox.md
# make clean    removes what the others made
#
# The first run makes .venv with PYTHON (3.11 to 3.13). Nothing outside this folder is touched. The modules are
# compiled too, because pip leaves that out of an editable installation.

PYTHON ?= python3
VENV ?= .venv
# A file stays on one worker: its fixtures train and sign once.
PYTEST_ARGS ?= -n auto --dist loadfile

BIN := $(VENV)/bin
BASE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench

.PHONY: demo test lint bench bench-convert bench-scan bench-sandbox bench-trust clean
.DELETE_ON_ERROR:

demo: $(BASE)
	$(BIN)/python examples/demo.py

test: $(DEV)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(BASE)
	$(BIN)/python -m benchmarks.bench_spine

bench-sandbox: $(BASE)
	$(BIN)/python -m benchmarks.bench_sandbox

bench-convert: $(DEV)
	$(BIN)/python -m benchmarks.bench_convert

bench-scan: $(BENCH)
	$(BIN)/python -m benchmarks.bench_scan

bench-trust: $(BASE)
	$(BIN)/python -m benchmarks.bench_trust

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BASE): $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q secureload
	@touch $@

$(DEV): $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(BENCH): $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
