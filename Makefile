# `make demo` and `make test` need nothing but Python >= 3.11: each makes .venv first.
PYTHON ?= python3
BIN := .venv/bin
# Tests take one thread each, and share the cores.
PYTEST := -q -n logical --dist worksteal
INSTALLED := .venv/installed

.PHONY: demo test test-slow lint format clean

demo: $(INSTALLED)
	$(BIN)/python docs/examples/demo_digits.py

test: $(INSTALLED)
	$(BIN)/python -m pytest $(PYTEST) -m "not slow"

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest $(PYTEST) -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache demo_digits.png
