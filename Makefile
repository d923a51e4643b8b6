# Try Orbiter with `make demo`, and test it with `make test`. Both need only Python 3.11 or newer.
PYTHON ?= python3
# Number of test processes. Tests that build images share one Docker engine; two keep it busy.
JOBS ?= auto
ENGINE_JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PURE := not engine and not index and not slow

.PHONY: demo test test-fast test-index test-engine check format gallery docs bench clean
# The stages of the tests share the cores, and one of them writes dist/.
.NOTPARALLEL:
# Images of CI services often set it. Each of the many processes then compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

demo: $(VENV)/ready
	$(BIN)/python demo/demo.py

# The stages run from the fastest to the slowest, and the first failed stage ends the run. Each test
# belongs to exactly one stage.
test: check test-fast test-index test-engine

# Everything that needs neither a Docker engine nor a package index, without the slowest tests.
test-fast: $(VENV)/ready
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "$(PURE)"

test-index: $(VENV)/ready
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "(index or slow) and not engine"

# --dist loadfile runs the tests of a module in one process, because they share the images that the
# module builds. --no-loadscope-reorder keeps the order of files, which mixes long and short modules.
# Otherwise modules with few tests start last, also long ones.
test-engine: $(VENV)/ready
	$(BIN)/pytest -n $(ENGINE_JOBS) --dist loadfile --no-loadscope-reorder -m engine

check: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	git ls-files -z --cached --others --exclude-standard '*.sh' | xargs -0 -r $(BIN)/shellcheck .ci/run
	$(BIN)/pytest -q tests/test_prose.py
	rm -rf dist
	$(BIN)/hatchling build -d dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

format: $(VENV)/ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Run the commands of docs/gallery.md, and write the pages that it links.
gallery: $(VENV)/ready
	$(BIN)/python -m demo.gallery

# Write the site to site/. Fail if a page loads a file from another server.
docs: $(VENV)/docs-ready gallery
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	! grep -rnE --include='*.html' '<(script|link|img|iframe|source)[^>]+(src|href)="?(https?:)?//' site

bench: $(VENV)/ready
	for program in bench/*.py; do $(BIN)/python -m bench.$$(basename $$program .py) || exit 1; done

# pip installs from the package index in its configuration.
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev --editable .
	touch $@

$(VENV)/docs-ready: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf $(VENV) .demo dist site
