# The portal's front door. Everything it makes is under var/.
PYTHON ?= python3
VENV = var/venv
RUN = $(VENV)/bin/python

.PHONY: run test check bench chaos

run: $(VENV)/.run
	@exec $(RUN) manage.py serve

test: $(VENV)/.test
	@$(RUN) -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.test
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy .
	PYTHONPATH=. $(VENV)/bin/lint-imports
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) tests/deploy_check.py

bench: $(VENV)/.test
	@SIZE=$(or $(SIZE),1m) $(RUN) -m bench $(FIGURE)

chaos: $(VENV)/.test
	@$(RUN) -m tests.chaos $(ARGS)
	@$(RUN) -m tests.chaos --bucket --workspaces 24 --kills 30 --rounds 1
	@EXAMPLES=$(or $(EXAMPLES),300) $(RUN) -m pytest -q --timeout 0 tests/retention/test_keeping_machine.py

$(VENV)/.run: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The portal needs Python 3.11 or newer; say which: make run PYTHON=python3.11")'
	@[ -x $(RUN) ] && $(RUN) -c "import pip" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing packages …"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.run
	@echo "Installing packages for the tests …"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-test.lock
	@touch $@
