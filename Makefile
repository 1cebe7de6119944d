# Dealwright. Two commands matter: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BIND ?= 127.0.0.1:8000
SHEETS := $(wildcard static/css/*.css documents/starter/*.css)
CSS := --indent-size=2 --end-with-newline --space-around-combinator --disable-newline-between-rules
export PUBLIC_URL ?= http://$(BIND)

.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: $(VENV)/run.done ## set up what is missing, make the demo (DEMO_LANGUAGE=en pl fr vi), start everything
	@$(PY) manage.py prepare --bind $(BIND)
	@exec $(PY) manage.py up --bind $(BIND)

# Migrations run where they count: for the browser's stacks here, for every test on PostgreSQL.
test: $(VENV)/test.done ## all tests, the browser too, on SQLite
	$(PY) -m pytest -n 2 --dist loadfile --nomigrations

test-postgres: $(VENV)/test.done ## the same on PostgreSQL and Redis, throw-away servers of its own
	$(PY) -m tests.servers $(PY) -m pytest -n 2 --dist loadfile

check: $(VENV)/test.done ## linters, types, import contracts, migrations, vendored files
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djade --target-version 5.2 --check $$(git ls-files 'templates/**/*.html' 'templates/*.html')
	$(VENV)/bin/djangofmt --check --line-length 120 --indent-width 2 $$(git ls-files 'templates/**/*.html' 'templates/*.html')
	for sheet in $(SHEETS); do $(VENV)/bin/css-beautify $(CSS) $$sheet | cmp - $$sheet || exit 1; done
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	$(PY) -m bench.shape --check
	$(PY) manage.py check
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py vendor --check
	$(PY) manage.py catalogue --check
	$(PY) manage.py messages --check
	DEALWRIGHT_MODE=production SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') PUBLIC_URL=https://crm.example.com ALLOWED_HOSTS=crm.example.com $(PY) manage.py check --deploy --fail-level WARNING

shape: $(VENV)/test.done ## how large the parts are and how they hang together
	$(PY) -m bench.shape --check

trace: $(VENV)/test.done ## functions and files between a drag and the SMS at its transport (-v names them)
	$(PY) -m bench.trace -v

fmt: $(VENV)/test.done ## format code, templates and style sheets
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/djade --target-version 5.2 $$(git ls-files 'templates/**/*.html' 'templates/*.html')
	$(VENV)/bin/djangofmt --line-length 120 --indent-width 2 $$(git ls-files 'templates/**/*.html' 'templates/*.html')
	for sheet in $(SHEETS); do $(VENV)/bin/css-beautify $(CSS) --replace $$sheet; done

bench: $(VENV)/test.done ## speeds and sizes, on SQLite and PostgreSQL
	$(PY) -m bench

flood: $(VENV)/test.done ## an urgent drag behind FLOOD=20000 due runs, on both databases
	$(PY) -m bench.flood

dragging: $(VENV)/test.done ## publishing while 16 clients drag and workers move cards, on PostgreSQL (SECONDS=30)
	$(PY) -m tests.servers $(PY) -m bench.dragging

crash-test: $(VENV)/test.done ## kill -9 at random on both databases while work comes in (KILLS=60)
	$(PY) -m tests.crash

web: $(VENV)/run.done ## a web host: the web server only
	$(PY) manage.py up --bind $(BIND) --no-workers

worker: $(VENV)/run.done ## a worker host: workers, ticker and watchdog only
	$(PY) manage.py up --no-web

vendor: $(VENV)/run.done ## maintainers: fetch the pinned front-end files again
	$(PY) manage.py vendor

lock: ## maintainers: pin requirements by hash (needs uv)
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate --no-header requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate --no-header requirements-dev.in -o requirements-dev.txt

$(VENV)/run.done: requirements.txt setup.sh
	@sh setup.sh run
	@touch $@

$(VENV)/test.done: requirements.txt requirements-dev.txt setup.sh
	@sh setup.sh test
	@touch $(VENV)/run.done $@

.PHONY: help run test test-postgres check fmt shape trace bench flood dragging crash-test web worker vendor lock
