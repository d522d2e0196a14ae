# make run: start ScaiSend with an inbox of its own. make test: everything the tests need, then the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_STAMP := tests/node/node_modules/.installed

.PHONY: install run test bench bounce-accuracy torture deb deb-test lint format servers node docs site clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || (scripts/need-venv && $(PYTHON) -m venv $(VENV))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

run: install
	$(BIN)/scaisend dev

servers:
	@scripts/need-servers

node: $(NODE_STAMP)

$(NODE_STAMP): tests/node/package.json tests/node/package-lock.json
	@if command -v npm >/dev/null; then cd tests/node && npm ci --silent --no-audit --no-fund && touch node_modules/.installed; \
	else echo "npm is absent: the journeys of @sendgrid/mail will be skipped"; fi

test: install servers node
	$(BIN)/python -m twisted.trial --temp-directory=_trial_temp $(TRIAL_OPTIONS) tests

bench: install servers
	$(BIN)/python -m tests.bench $(BENCH_OPTIONS)

bounce-accuracy: install
	$(BIN)/python -m tests.accuracy $(CORPUS)

torture: install servers
	$(BIN)/python -m tests.torture $(TORTURE_OPTIONS)

# The Debian package, in dist/; and its life: installed, run, upgraded, removed, purged. As root.
deb:
	KEEP=dist ONLY=build bash tests/packaging/deb.sh

deb-test:
	bash tests/packaging/deb.sh

lint: install
	$(BIN)/ruff check scaisend tests twisted
	$(BIN)/mypy

docs: install
	$(BIN)/python -m scaisend.app.docs
	$(BIN)/python scripts/manual.py

# The documentation as a site, in site/; a dead link fails.
site: install
	$(BIN)/mkdocs build --quiet

clean:
	rm -rf $(VENV) tests/node/node_modules _trial_temp* build dist site .mypy_cache .ruff_cache
