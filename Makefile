# Everything happens in .venv, made with the pip that comes with Python. Without Node only the checks
# of extension/ are skipped, and it cannot be built.
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet -c constraints.txt
PACKAGE := pyproject.toml constraints.txt orch_nb/labextension/sources.sha256

# Tests start hundreds of Pythons; each would compile again what may not be kept compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test ui storm soak lint bench notebooks pictures extension lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "orch-nb needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

# A stamp says when something was installed last, so that a change of $(PACKAGE) installs again.
.venv/lab.stamp: $(PACKAGE) | $(PY)
	@echo "installing orch-nb and JupyterLab into .venv; this takes a minute or two"
	@$(PIP) -e '.[lab]'
	@touch $@

# What extension/ is built and checked with: its packages take minutes the first time, seconds later.
.venv/dev.stamp: $(PACKAGE) | .venv/test.stamp
	@$(PIP) -e '.[dev]'
	@touch $@

extension/node_modules/.yarn-state.yml: extension/package.json extension/yarn.lock .venv/dev.stamp
	@echo "installing what extension/ needs; the first time this takes some minutes"
	@cd extension && PATH="$(CURDIR)/.venv/bin:$$PATH" && jlpm install --immutable >node_modules.log \
	  || { tail -n 20 node_modules.log; exit 1; }
	@rm extension/node_modules.log && touch $@

# $(call front,SCRIPT) runs a script of extension/package.json, or says why it does not.
define front
@if ! node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null; then \
  echo "extension: $(1) is skipped, there is no Node 20 or newer"; \
elif ! $(MAKE) --no-print-directory extension/node_modules/.yarn-state.yml; then \
  echo "extension: $(1) is skipped, its packages cannot be installed here"; \
else \
  cd extension && PATH="$(CURDIR)/.venv/bin:$$PATH" && jlpm $(1); \
fi
endef

.venv/test.stamp: $(PACKAGE) | $(PY)
	@echo "installing orch-nb and what its tests need into .venv; this takes a minute or two"
	@$(PIP) -e '.[test]'
	@touch $@ .venv/lab.stamp

demo: .venv/lab.stamp ## run the quickstart notebook, then open it in JupyterLab (SERVE=0: do not)
	@$(PY) notebooks/run.py notebooks/quickstart.ipynb build/demo/quickstart.ipynb
	@if [ "$(SERVE)" = 0 ] || [ ! -t 0 ]; then \
	  echo; echo "The notebook ran. \`make demo\` in a terminal also opens it in JupyterLab."; \
	else \
	  echo; echo "Opening build/demo/quickstart.ipynb, a copy that the next \`make demo\` replaces. Ctrl+C ends."; \
	  $(PY) -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) \
	    --log-level=ERROR --ServerApp.answer_yes=True --notebook-dir=build/demo build/demo/quickstart.ipynb; \
	fi

test: .venv/test.stamp lint ## run all checks and tests but those in a browser (`make ui`); storms are small (`make storm`)
	$(call front,test)
	$(PY) -m pytest -n 3 --dist worksteal -m "not ui"
	@echo "The browser tests are in \`make ui\`, the storms in the sizes that a change needs in \`make storm\`."

ui: .venv/test.stamp ## run the tests that drive JupyterLab in a browser (needs chromium)
	$(PY) -m pytest -n 2 --dist loadfile -m ui

storm: .venv/test.stamp ## run the storms, kills and mutants of tests/soak in the sizes that a change needs
	STORM=1 $(PY) -m pytest -n 2 --dist worksteal --timeout 1800 -rP tests/soak

soak: .venv/test.stamp ## run them in their large sizes (hours; SOAK=0.1: a tenth)
	SOAK=$(or $(SOAK),1) $(PY) -m pytest -n 2 --timeout 14400 -rP tests/soak

lint: .venv/test.stamp ## check style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(call front,lint)

bench: .venv/test.stamp ## measure what loading and asking cost
	$(PY) tests/benchmarks/run.py

notebooks: .venv/test.stamp ## run the notebooks and save their answers in them
	@for notebook in notebooks/*.ipynb; do $(PY) notebooks/run.py "$$notebook" "$$notebook" || exit 1; done

pictures: .venv/test.stamp ## take the pictures of the README again (needs chromium)
	PICTURES=1 $(PY) -m pytest -q tests/ui/test_pictures.py

extension: extension/node_modules/.yarn-state.yml ## build the JupyterLab extension again (needs Node 20 or newer)
	cd extension && PATH="$(CURDIR)/.venv/bin:$$PATH" && jlpm build:prod
	@$(PIP) --no-deps -e .

lock: ## renew constraints.txt from what is on the package index today
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet '.[dev]'
	@{ sed -n 1p constraints.txt; build/lock/bin/python -m pip freeze --exclude orch_nb; } > build/lock/pins
	mv build/lock/pins constraints.txt && rm -rf build/lock

clean: ## remove .venv and everything that was built
	rm -rf .venv build dist .orch notebooks/.orch .*_cache .hypothesis extension/node_modules extension/lib
