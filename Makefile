# Needs Python >= 3.11 and nothing else: every target makes .venv first.
PYTHON ?= python3
BIN := .venv/bin
# Each test runs on one thread; the test processes share the cores.
PYTEST := -q -n logical --dist worksteal
INSTALLED := .venv/installed
# What only some targets need: $(call install,extra).
install = PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable ".[$(1)]"
# Environments beside .venv: the oldest versions supported, and another Python.
LOWEST := .venv-lowest
OTHER = .venv-$(notdir $(PYTHON))

.DEFAULT_GOAL := help
.PHONY: help demo lint types docs examples dist test test-slow test-ray test-lowest
.PHONY: test-python coverage mutation audit format clean

help: ## list the targets (what a plain `make` does)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

demo: $(INSTALLED) ## find the wrong labels among 1,797 real digits
	$(BIN)/skgex demo

lint: $(INSTALLED) ## check style and formatting, and change nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## check the types
	$(BIN)/python -m mypy

docs: $(INSTALLED) ## build the site into docs/build, with warnings as errors
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/build
	@echo "open docs/build/index.html"

examples: $(INSTALLED) ## run the examples of README and docs, and compare their output
	$(BIN)/python docs/run_examples.py

dist: $(INSTALLED) ## build wheel and sdist, and try the wheel in an empty environment
	rm -rf dist
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python .ci/check_dist.py

test: $(INSTALLED) ## run the tests, except those that take minutes
	$(BIN)/python -m pytest $(PYTEST) -m "not slow"

test-slow: $(INSTALLED) ## run the tests that take minutes
	$(BIN)/python -m pytest $(PYTEST) -m slow

test-ray: $(INSTALLED) ## run the tests on a Ray cluster of this machine
	$(call install,ray)
	$(BIN)/python -m pytest -q tests/cluster/test_ray.py

# TESTS="tests/cli tests/nets", for example, runs a part of them.
test-lowest: $(LOWEST)/installed ## run the tests with the oldest versions supported
	$(LOWEST)/bin/python -m pytest $(PYTEST) -m "not slow" $(TESTS)

test-python: $(OTHER)/installed ## run the tests with PYTHON=python3.13, for example
	$(OTHER)/bin/python -m pytest $(PYTEST) -m "not slow" $(TESTS)

coverage: $(INSTALLED) ## which branches the tests of `make test` leave out
	$(call install,quality)
	$(BIN)/python -m pytest $(PYTEST) -m "not slow" --cov --cov-fail-under=99 \
	    --cov-report=term-missing:skip-covered

mutation: $(INSTALLED) ## which changes of the code no test notices (hours; see .ci/mutation)
	$(call install,quality)
	$(BIN)/python -m pytest -q .ci/mutation
	$(BIN)/python .ci/mutation $(MUTATE)

audit: $(INSTALLED) ## known vulnerabilities of the pinned versions, where there is a network
	$(call install,audit)
	$(BIN)/python .ci/audit.py

format: $(INSTALLED) ## fix style and formatting where ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and everything else that was built
	rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache demo_digits.png
	rm -rf docs/build docs/api docs/gallery docs/sg_execution_times.rst

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(call install,dev)
	touch $@

# uv takes a third of pip's time for the gigabytes that torch needs here.
define install_tests
$(PYTHON) -m venv $(@D)
PIP_CONSTRAINT=constraints.txt $(@D)/bin/python -m pip install --quiet uv
$(@D)/bin/uv pip install --quiet --python $(@D) --constraint $(1) --editable ".[test]"
touch $@
endef

$(LOWEST)/installed: setup.cfg pyproject.toml constraints-lowest.txt
	$(call install_tests,constraints-lowest.txt)

.venv-python%/installed: setup.cfg pyproject.toml constraints.txt
	$(call install_tests,constraints.txt)
