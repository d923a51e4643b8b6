# Two commands set everything up on a machine with Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format docs bench clean

demo: $(VENV)/ready
	$(BIN)/python demo/demo.py

test: check
	$(BIN)/pytest

check: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_prose.py

format: $(VENV)/ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The site, in site/. It must not load anything from another server.
docs: $(VENV)/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	! grep -rnE --include='*.html' '<(script|link|img|iframe|source)[^>]+(src|href)="?(https?:)?//' site

bench: $(VENV)/ready
	for program in bench/*.py; do $(BIN)/python -m bench.$$(basename $$program .py) || exit 1; done

# The package index is whatever pip is configured to use.
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev --editable .
	touch $@

$(VENV)/docs-ready: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf $(VENV) .demo site
