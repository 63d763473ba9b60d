# make help lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
DEVELOPMENT := APP_ENV=$${APP_ENV:-development} $(BIN)/python -m
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header
APP ?= wsgi
EMAILS ?= instance/emails
EXAMPLE := http://localhost:5173

.PHONY: help run example test lint format shell psql migration db-reset bench bench-check postman postman-collection client-types lock audit clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

# exec: make sends SIGTERM to its child, which is Python then and no shell.
run: .venv/run ## Install, migrate and serve on PORT (8000), with reload; HOST=0.0.0.0 for all interfaces. APP=module for your own, here and below
	@exec env $(DEVELOPMENT) authapp.dev.run $(APP)

example: .venv/run ## Serve clients/example on port 5173, beside authapp on PORT (8000); needs Node.js 20.19 or newer
	@exec env CORS_ORIGINS=$(EXAMPLE) FRONTEND_URL=$(EXAMPLE) VITE_AUTHAPP_URL=http://localhost:$(or $(PORT),8000) \
		WEB_CONCURRENCY=1 OPERATOR_NAME="$${OPERATOR_NAME:-Acme MLOps}" $(DEVELOPMENT) authapp.dev.example

test: .venv/test ## Install and run the tests, on a PostgreSQL of their own; T=tests/mail for some of them
	@$(BIN)/python -m pytest $(T)

lint: .venv/test ## Run ruff, mypy and import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

format: .venv/test ## Format the code, and fix what ruff can fix
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

shell: .venv/run ## Open flask's shell on the development database
	@$(DEVELOPMENT) authapp.dev.database --app $(APP) shell

psql: .venv/run ## Open psql on the development database
	@$(DEVELOPMENT) authapp.dev.database psql

migration: .venv/run ## Write a migration for changed models: make migration m="add experiments"
	@$(if $(m),,$(error Say what the migration does: make migration m="add experiments"))
	@$(DEVELOPMENT) authapp.dev.database --app $(APP) migration "$$m"

db-reset: .venv/run ## Drop everything in the development database, and migrate it again
	@$(DEVELOPMENT) authapp.dev.database --app $(APP) reset

bench: .venv/test ## Measure authapp beside its baselines, 15 minutes; draws docs/charts from instance/bench.json
	@mkdir -p instance && $(BIN)/python -m tests.bench --json instance/bench.json
	@$(BIN)/python -m tests.bench.charts instance/bench.json docs/charts

bench-check: .venv/test ## The same in 4 minutes, without growth; fails where a figure leaves its bound
	@$(BIN)/python -m tests.bench --check

postman: ## Run the Postman collection with newman (Node.js) against `make run` on PORT
	@$(PYTHON) -m tests.postman.run http://localhost:$(or $(PORT),8000) $(EMAILS)

postman-collection: .venv/run ## Write the Postman collection from the OpenAPI document
	@$(BIN)/python -m tests.postman.generate

client-types: .venv/run ## Write the types of clients/js from the OpenAPI document (Node.js)
	@APP_ENV=development $(BIN)/flask --app wsgi openapi write clients/js/openapi.json
	@cd clients && { test -d node_modules || npm ci --silent; } && npm run --silent types

lock: $(BIN)/uv ## Compile the requirements, with hashes
	@$(COMPILE) tests/uv.in --output-file tests/uv.txt
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) tests/postgres.in --constraint requirements.txt --output-file tests/postgres.txt
	@$(COMPILE) tests/requirements.in --constraint requirements.txt --output-file tests/requirements.txt

audit: $(BIN)/uv ## Look for known vulnerabilities of the dependencies; writes a bill of materials (CycloneDX) to instance/
	@mkdir -p instance
	@$(BIN)/uv tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements requirements.txt \
		--output-file instance/bill-of-materials.json
	@$(BIN)/uv tool run --quiet 'pip-audit>=2.10,<3' --strict --require-hashes --disable-pip --requirement requirements.txt

clean: ## Remove the virtual environment; data under instance/ stays
	@rm -rf .venv

# pip installs uv, and uv the rest: it takes a quarter of pip's time.
$(BIN)/uv: tests/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit("authapp needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/uv.txt
	@touch $@

# The server and the embedded PostgreSQL, nothing else.
.venv/run: $(BIN)/uv requirements.txt tests/postgres.txt
	@echo "Installing authapp ..."
	@$(INSTALL) --requirement requirements.txt --requirement tests/postgres.txt
	@touch $@

.venv/test: $(BIN)/uv requirements.txt tests/requirements.txt
	@echo "Installing authapp and its tests ..."
	@$(INSTALL) --requirement tests/requirements.txt
	@touch $@ .venv/run
