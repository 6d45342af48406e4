# The two commands of the README: `make demo` and `make test`. Both set up everything they need in .venv.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
TESTS ?= tests

.PHONY: demo install test check lint types docs lock clean

demo: install ## install tradekit and run one cycle on a paper account in ./demo-home
	rm -rf demo-home
	$(RUN)/tradekit cycle --home demo-home --proposals docs/examples/first-day.json
	$(RUN)/tradekit status --home demo-home

install: $(VENV)/installed ## tradekit alone, in .venv

test: $(VENV)/installed-dev ## lint, types and tests
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/pytest -n auto -q $(TESTS)

docs: $(VENV)/installed-dev ## write the generated pages again
	$(RUN)/python docs/generate.py

lock: $(VENV)/installed-dev ## resolve the dependencies again, with hashes
	$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml --group build -o requirements/run.txt
	$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml --group build --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) demo-home

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tradekit needs Python 3.11 or newer; say make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/run.txt
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements/dev.txt
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	touch $@
