# `make help` lists what can be made. Everything runs from .venv/, which `make setup` leaves.

SHELL := /bin/bash
.NOTPARALLEL:
.DEFAULT_GOAL := help

PORT ?= 8000
# How many processes run the tests.
WORKERS ?= 2
# The database under the browser tests: sqlite or postgresql.
BROWSER_DATABASE ?= sqlite
# More for pytest, such as PYTEST_ARGS='-k timeline'.
PYTEST_ARGS ?=

PYTHON := .venv/bin/python
HEADLINE = @printf '\n=== %s ===\n'
PYTEST = PYTHONPATH=$(CURDIR) $(PYTHON) -m pytest -p tests.postgres_plugin --numprocesses=$(WORKERS) $(PYTEST_ARGS)
# Watching every line takes much of the time; what only PostgreSQL runs is a dozen lines.
COVER = --cov --cov-report= --cov-fail-under=0
# Extras stay in the lock: else pip takes a newer release for a package that is asked for with one, and finds no hash.
COMPILE = $(PYTHON) -m uv --quiet pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-emit-index-url --no-annotate

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | \
	while IFS='|' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## prepare this checkout: system packages, .venv/
	@bin/setup run

.PHONY: setup-test
setup-test:
	@bin/setup test

.PHONY: run
run: export DEBUG ?= 1
run: export BASE_URL ?= http://127.0.0.1:$(PORT)
run: setup ## start Sitroom with an example incident (PORT=8000)
	@$(PYTHON) manage.py migrate --verbosity 0
	@$(PYTHON) manage.py load_example
	@echo 'Sitroom runs on $(BASE_URL)/ (Ctrl-C stops it)'
	@$(PYTHON) -u manage.py worker & trap "kill $$!" EXIT; \
	$(PYTHON) -m uvicorn config.asgi:application --host 127.0.0.1 --port $(PORT) \
		--no-proxy-headers --no-server-header --no-access-log

.PHONY: test
test: setup-test ## all tests: on SQLite, on PostgreSQL, in a browser; then the coverage
	@rm -f .coverage .coverage.*
	@$(MAKE) --no-print-directory --keep-going test-sqlite test-postgresql test-browser; failed=$$?; \
	$(MAKE) --no-print-directory coverage && exit $$failed

.PHONY: test-sqlite
test-sqlite: setup-test ## the tests without a browser, on SQLite
	$(HEADLINE) 'Tests on SQLite'
	@TEST_DATABASE=sqlite COVERAGE_FILE=.coverage.sqlite $(PYTEST) $(COVER) -m 'not browser'

.PHONY: test-postgresql
test-postgresql: setup-test ## the tests without a browser, on PostgreSQL
	$(HEADLINE) 'Tests on PostgreSQL'
	@TEST_DATABASE=postgresql $(PYTEST) -m 'not browser'

.PHONY: test-browser
test-browser: setup-test ## the tests in a browser
	$(HEADLINE) 'Tests in a browser'
	@TEST_DATABASE=$(BROWSER_DATABASE) COVERAGE_FILE=.coverage.browser $(PYTEST) $(COVER) -m browser

.PHONY: coverage
coverage:
	$(HEADLINE) 'Coverage of all tests together'
	@$(PYTHON) -m coverage combine --quiet
	@$(PYTHON) -m coverage report

.PHONY: lint
lint: setup-test ## check style, templates and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m djlint --quiet --lint templates
	@$(PYTHON) -m mypy

.PHONY: format
format: setup-test ## put the Python files into shape
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

.PHONY: lock
lock: setup-test ## write the lock files again; LOCK_ARGS=--upgrade takes newer versions
	@$(COMPILE) $(LOCK_ARGS) --output-file requirements.txt
	@$(COMPILE) $(LOCK_ARGS) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	@! grep -n '://' requirements.txt requirements-dev.txt

.PHONY: clean
clean: ## remove what can be made again (your data in var/ stays)
	rm -rf .venv staticfiles htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
