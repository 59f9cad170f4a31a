# Two commands matter: `make demo` and `make test`. Both work on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
export HF_HUB_OFFLINE ?= 1

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "geomsim needs Python 3.11 or newer: make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[models]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[models,dev,docs]'
	@touch $@

install: .venv/installed ## a virtual environment in .venv with everything but the developers' tools

demo: .venv/installed ## from two real models to p-values and a report, in two minutes
	$(BIN)/geomsim demo

test: .venv/installed-dev ## everything that CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

format: .venv/installed-dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/installed-dev ## the documentation as a site in docs/_build/html, offline; every warning is an error
	@echo "building docs/_build/html; a minute or two from nothing"
	$(BIN)/sphinx-build -W --keep-going -q -j auto docs docs/_build/html
	$(BIN)/python docs/check_site.py

bench: .venv/installed-dev ## geomsim beside every installed peer, in one run: a table of ratios in benchmarks/peers.md
	$(BIN)/python benchmarks/peers.py

benchmarks: .venv/installed-dev ## the numbers in benchmarks/README.md, measured again
	$(BIN)/python benchmarks/run.py

cards: .venv/installed-dev ## the metric cards in docs/cards, measured again in full: an hour
	$(BIN)/geomsim validate --out docs/cards --resume
	rm -rf docs/cards/pieces docs/cards/quick
	$(BIN)/python docs/make_tables.py

pictures: .venv/installed-dev ## the README's pictures of a report, taken again of the demo's; needs a Chromium
	$(BIN)/geomsim demo
	$(BIN)/python docs/make_pictures.py geomsim-demo/report.html

constraints: .venv/installed-dev ## write constraints.txt from the current environment
	@{ grep '^#' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | grep -v '^geomsim' | sed 's/+cpu$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist geomsim-demo docs/_build docs/_generated

.PHONY: help install demo test format docs bench benchmarks cards pictures constraints clean
