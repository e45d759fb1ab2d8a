# Everything happens in .venv, made with the pip that comes with Python. Without Node only the checks
# of extension/ are skipped, and it cannot be built.
PYTHON ?= python3
PY := .venv/bin/python
PIP := -m pip --disable-pip-version-check install --quiet
# Everything is installed as it is locked: wheels, with their hashes. Then orch-nb, with what builds it there already.
LOCKED := $(PIP) --require-hashes --only-binary :all: --requirement
ITSELF := $(PIP) --no-deps --no-build-isolation --editable .
PACKAGE := pyproject.toml orch_nb/labextension/sources.sha256
TOOLS := build/tools/bin
# Each worker would load nbval, and with it nbformat; the tests of the notebooks start it themselves.
PYTEST := $(PY) -m pytest -p no:nbval

# Tests start hundreds of Pythons; each would compile again what may not be kept compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test ui storm soak lint bench notebooks recordings pictures extension dist binder audit bounds lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "orch-nb needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

# A stamp says when something was installed last, so that a change of $(PACKAGE) installs again.
.venv/lab.stamp: binder/requirements.txt $(PACKAGE) | $(PY)
	@echo "installing orch-nb and JupyterLab into .venv; this takes a minute or two"
	@$(PY) $(LOCKED) binder/requirements.txt
	@$(PY) $(ITSELF)
	@touch $@

build/tools.stamp: .ci/requirements.txt
	@echo "installing what checks a release into build/tools"
	@rm -rf build/tools && $(PYTHON) -m venv build/tools
	@build/tools/bin/python $(LOCKED) .ci/requirements.txt
	@touch $@

# The first time this takes minutes, later seconds.
extension/node_modules/.yarn-state.yml: extension/package.json extension/yarn.lock .venv/test.stamp
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

.venv/test.stamp: requirements.lock $(PACKAGE) | $(PY)
	@echo "installing orch-nb and what its tests need into .venv; this takes a minute or two"
	@$(PY) $(LOCKED) requirements.lock
	@$(PY) $(ITSELF)
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

test: .venv/test.stamp lint ## run all checks and tests but those in a browser (`make ui`) and the storms (`make storm`)
	$(call front,test)
	$(PYTEST) -n 4 --dist worksteal -m "not ui" --ignore tests/soak
	@echo "The browser tests are in \`make ui\`, the storms, kills and mutants in \`make storm\`."

ui: .venv/test.stamp ## run the tests that drive JupyterLab in a browser (needs chromium)
	$(PYTEST) -n 2 --dist loadfile -m ui

storm: .venv/test.stamp ## run the storms, kills and mutants of tests/soak in the sizes that a change needs
	STORM=1 $(PYTEST) -n 2 --dist worksteal --timeout 1800 -rP tests/soak

soak: .venv/test.stamp ## run them in their large sizes (about 40 minutes; SOAK=0.3: three tenths)
	SOAK=$(or $(SOAK),1) $(PYTEST) -n 2 --dist worksteal --timeout 14400 -rP tests/soak

lint: .venv/test.stamp ## check style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy tests/typed
	$(call front,lint)

# What orch-nb is measured beside. Where not all of it goes together, what can be installed is.
build/peers/stamp: tests/benchmarks/peers.txt
	@echo "installing what orch-nb is measured beside into build/peers; this takes some minutes"
	@rm -rf build/peers && $(PYTHON) -m venv build/peers
	@pip="build/peers/bin/python -m pip --disable-pip-version-check install --quiet"; \
	  $$pip -r $< || grep -v '^#' $< | while read -r one; do \
	    $$pip "$$one" || echo "$$one cannot be installed, and is left out"; done
	@touch $@

bench: .venv/test.stamp build/peers/stamp ## measure all that is claimed, beside its peers (ONLY=load: one part; WRITE=1: into the documents)
	$(PY) tests/benchmarks/run.py $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

notebooks: .venv/test.stamp ## run the notebooks and save their answers in them
	@for notebook in notebooks/*.ipynb; do $(PY) notebooks/run.py "$$notebook" "$$notebook" || exit 1; done

recordings: .venv/test.stamp ## make the recordings again that notebooks answer from, and save their answers
	@$(PY) notebooks/record.py
	@$(MAKE) --no-print-directory notebooks

pictures: .venv/test.stamp ## take the pictures of the README again (needs chromium)
	PICTURES=1 $(PY) -m pytest -q tests/ui/test_pictures.py

extension: extension/node_modules/.yarn-state.yml ## build the JupyterLab extension again (needs Node 20 or newer)
	cd extension && PATH="$(CURDIR)/.venv/bin:$$PATH" && jlpm build:prod
	@$(PY) $(ITSELF)

dist: .venv/test.stamp build/tools.stamp ## build sdist and wheel into dist/, check them and what releases them, and try them in an empty environment
	rm -rf dist
	$(PY) -m build --no-isolation --outdir dist .
	$(TOOLS)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(TOOLS)/twine check --strict dist/*
	bash .ci/wheel dist/*.whl

binder: build/tools.stamp ## do what Binder does, in an environment of its own, and run the quickstart there
	bash .ci/binder

audit: build/tools.stamp ## look for known vulnerabilities in what is locked
	@PATH="$(CURDIR)/$(TOOLS):$$PATH" $(PYTHON) .ci/audit.py requirements.lock .ci/requirements.txt

bounds: build/tools.stamp ## run the tests with the oldest and the newest versions that are allowed
	bash .ci/bounds lowest
	bash .ci/bounds highest

lock: build/tools.stamp ## renew the locked versions from what is on the package index today
	bash .ci/lock

clean: ## remove .venv and everything that was built
	rm -rf .venv build dist .orch .*_cache .hypothesis extension/node_modules extension/lib
	@# The recordings are no cache: they belong to the notebooks.
	find notebooks/.orch -mindepth 1 -maxdepth 1 ! -name recording -exec rm -rf {} +
