# make help lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header
export PORT ?= 8000
APP ?= wsgi

.PHONY: help run test lint bench bench-check postman lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: .venv/run ## Install, start PostgreSQL, migrate and serve on PORT (8000); APP=module for your own
	@APP_ENV=$${APP_ENV:-development} $(BIN)/python -m authapp.dev.run $(APP) || test $$? -eq 130

test: .venv/test ## Install and run every test, on a PostgreSQL of its own
	@$(BIN)/python -m pytest

lint: .venv/test ## Run ruff, mypy and import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

bench: .venv/test ## Measure authapp beside its baselines, 15 minutes; draws docs/charts from instance/bench.json
	@mkdir -p instance && $(BIN)/python -m tests.bench --json instance/bench.json
	@$(BIN)/python -m tests.bench.charts instance/bench.json docs/charts

bench-check: .venv/test ## The same in 4 minutes, without growth; fails where a figure leaves its bound
	@$(BIN)/python -m tests.bench --check

postman: ## Run the Postman collection with newman (Node.js) against the server on PORT
	@npx --yes newman@6.2.2 run tests/postman/authapp.postman_collection.json \
		--environment tests/postman/authapp.postman_environment.json --env-var base_url=http://localhost:$(PORT)

lock: .venv/bin/python ## Compile the requirements, with hashes
	@$(PIP) uv
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) tests/postgres.in --constraint requirements.txt --output-file tests/postgres.txt
	@$(COMPILE) tests/requirements.in --constraint requirements.txt --output-file tests/requirements.txt

clean: ## Remove the virtual environment; data under instance/ stays
	@rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("authapp needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

# The server and the embedded PostgreSQL, nothing else.
.venv/run: .venv/bin/python requirements.txt tests/postgres.txt
	@echo "Installing authapp ..."
	@$(PIP) --requirement requirements.txt --requirement tests/postgres.txt
	@touch $@

.venv/test: .venv/bin/python requirements.txt tests/requirements.txt
	@echo "Installing authapp and its tests ..."
	@$(PIP) --requirement tests/requirements.txt
	@touch $@ .venv/run
