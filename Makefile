# The thin layer that binds functions to files. `make help` lists what there is.
#
# Every target below is a file that a program writes last and in one rename, so a build that is
# killed anywhere can simply be started again.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
RUN     := $(BIN)/python -m gvcmetrics
READY   := $(VENV)/.ready
DOCS_READY := $(VENV)/.ready-docs
RESULTS := analysis/results
SITE    := $(RESULTS)/site
PARQUET := data/parquet

SPECS   := $(wildcard data/panels/*.yaml)
PANELS  := $(SPECS:data/panels/%.yaml=$(PARQUET)/%.state)
PAGES   := $(SPECS:data/panels/%.yaml=$(RESULTS)/panel_%.json)
STUDIES := $(patsubst analysis/%.py,$(RESULTS)/%.json,$(wildcard analysis/[0-9]*.py))

ROOM     = $(shell find gvcmetrics/$(1) -name '*.py' -o -name '*.csv' -o -name '*.css' -o -name '*.yaml' 2>/dev/null)
GROUND     := $(call ROOM,ground) gvcmetrics/errors.py gvcmetrics/lineage.py
PANEL_CODE := $(GROUND) $(call ROOM,panels)
STUDY_CODE := $(GROUND) gvcmetrics/value_chain.py $(call ROOM,measures) $(call ROOM,models) $(call ROOM,report)
CLAIM_CODE := $(PANEL_CODE) $(call ROOM,measures) $(call ROOM,models) $(call ROOM,claims)

SITE_PAGES  = $(shell find docs analysis/notebooks -type f -not -name '*.pyc') README.md CHANGELOG.md CONTRIBUTING.md

# A variable of the environment as one word of the shell, whatever signs are in it.
WORD     = '$(subst ','\'',$(value $(1)))'
OPTION   = $(if $(value $(2)),$(1) $(call WORD,$(2)))

# One process builds each file; keep the numerical libraries from fighting over the cores.
export OMP_NUM_THREADS ?= 2
export PYTHONHASHSEED := 0
export MPLBACKEND := Agg

# Two files at a time; nothing depends on the order. `make -j1 all` builds one after another, -j4 four.
MAKEFLAGS += -j2

.DEFAULT_GOAL := help
.PHONY: all test doctest test-fuzz test-spark test-pythons test-browser changes mutants lint bench validate fetch notebooks docs lock clean help AGAIN
.DELETE_ON_ERROR:

all: $(RESULTS)/report.html $(RESULTS)/codebook.html ## build every panel, study, table and figure, and the report

# --- the machine -----------------------------------------------------------------------------

# Of two that are started at once, the second waits and finds it done.
$(READY): requirements.lock pyproject.toml
	@$(call WORD,PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "gvcmetrics needs Python 3.11 or newer; say which with: make PYTHON=python3.12 all" >&2; exit 1; }
	@$(call WORD,PYTHON) -P gvcmetrics/ground/files.py $(VENV).lock sh -c 'set -e; \
	  if [ $@ -nt requirements.lock ] && [ $@ -nt pyproject.toml ]; then exit 0; fi; \
	  echo "setup    $(VENV) (some 140 pinned packages, one to three minutes)"; \
	  rm -rf $(VENV); \
	  "$$0" -m venv $(VENV); \
	  if [ -t 1 ]; then quiet=; else quiet=-qq; fi; \
	  $(BIN)/python -m pip install $$quiet --require-hashes -r requirements.lock; \
	  $(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .; \
	  touch $@' $(call WORD,PYTHON)

# --- panels: raw file + spec → Parquet --------------------------------------------------------

# A panel's state file says `built`, or `absent` where the source is not on this machine. Absent panels
# are tried again when GVCMETRICS_MIRROR changes or something was fetched; a built panel whose Parquet
# file is gone is built again.

HERE     = { printf '%s\n' $(call WORD,GVCMETRICS_MIRROR); ls data/raw/*/* 2>/dev/null || true; }
MIRROR  := $(PARQUET)/.mirror
$(if $(wildcard $(MIRROR)),$(shell now=$(MIRROR).$$$$; $(HERE) > $$now; \
  if cmp -s $$now $(MIRROR); then rm $$now; else mv $$now $(MIRROR); fi))
STATES  := $(wildcard $(PARQUET)/*.state)
ABSENT  := $(if $(STATES),$(shell grep -lx absent $(STATES)))
LOST    := $(foreach state,$(filter-out $(ABSENT),$(STATES)),$(if $(wildcard $(state:.state=.parquet) $(state:.state=)),,$(state)))

# A raw file, a table of rates or a file of the mirror that is not what a panel was built from.
STALE   := $(if $(STATES),$(if $(wildcard $(READY)),$(shell $(BIN)/python -S -E gvcmetrics/ground/inputs.py $(PARQUET))))

$(MIRROR):
	@mkdir -p $(@D)
	@$(HERE) > $@

$(PARQUET)/%.state: data/panels/%.yaml $(wildcard data/panels/presets/*.yaml) $(PANEL_CODE) $(READY) | $(MIRROR)
	@$(RUN) panel build $< --state $@

$(PARQUET)/cluster_cases.state: data/cases/clusters.csv

$(ABSENT): $(MIRROR)
$(LOST) $(STALE): AGAIN
AGAIN:

$(RESULTS)/codebook.html: $(PANELS)
	@$(RUN) codebook

# --- studies: panels → tables and figures -----------------------------------------------------
# Each study's last file is its manifest. It says at its head which panels it reads: PANEL, PANELS or TABLE.

READS    = $(shell awk '/^(PANELS?|TABLE) = /{on=1} on{print} on&&/["\051]$$/{on=0}' $(1) | tr -cd 'a-z0-9_ \n')
define READS_PANELS
$(RESULTS)/$(1).json: $(patsubst %,$(PARQUET)/%.state,$(call READS,analysis/$(1).py))
endef
$(foreach study,$(STUDIES:$(RESULTS)/%.json=%),$(eval $(call READS_PANELS,$(study))))

$(RESULTS)/05_cluster_cases.json: $(wildcard data/cases/*.csv)
# These make an economy up, build its panels and hold the claims against them.
$(RESULTS)/16_simulated_economy.json $(RESULTS)/recovery.json: $(call ROOM,simulate) $(CLAIM_CODE) analysis/hypotheses.yaml
# These take words of the claims' vocabulary.
$(RESULTS)/10_ecuador_claims.json $(RESULTS)/12_italian_local_systems.json \
  $(RESULTS)/13_us_local_industries.json $(RESULTS)/15_predicted_governance.json: $(call ROOM,claims)

$(RESULTS)/%.json: analysis/%.py $(STUDY_CODE) $(READY)
	@echo "study    $*"
	@$(BIN)/python $<

# The page of every panel, made from its columns.
$(RESULTS)/panel_%.json: $(PARQUET)/%.state $(STUDY_CODE) $(READY)
	@echo "page     $*"
	@$(RUN) panel page $*

# Every hypothesis on every panel: a panel more changes the answers without a line of code.
$(RESULTS)/hypotheses.parquet: $(PANELS) analysis/hypotheses.yaml $(CLAIM_CODE) $(READY)
	@echo "examine  the hypotheses on every panel"
	@$(RUN) hypotheses run

# The chapter on recovery is made from a summary that is kept beside the code: making that takes an hour.
ifneq ($(wildcard analysis/validation/recovery.csv),)
RECOVERY := $(RESULTS)/recovery.json
endif
$(RESULTS)/recovery.json: analysis/validation/recovery.csv analysis/validation/recovery.py $(READY)
	@echo "study    recovery"
	@$(BIN)/python analysis/validation/recovery.py --show >/dev/null

changes: $(READY) ## list what moved in the tables since the last build that moved anything
	@$(BIN)/python analysis/changes.py

# The validation is run by hand; where there is one, a newer one is a reason to compose the report again.
$(RESULTS)/report.html: $(STUDIES) $(PAGES) $(RESULTS)/hypotheses.parquet $(wildcard $(RESULTS)/validation.json) $(RECOVERY) analysis/report.py analysis/hypotheses.yaml
	@echo "report   $@"
	@$(BIN)/python analysis/report.py

# --- checks -----------------------------------------------------------------------------------

test: $(READY) ## set up and run the tests
	@$(BIN)/python -m pytest -n auto --dist loadfile

doctest: $(READY) ## run the examples in the docstrings
	@$(BIN)/python -m pytest tests/test_docstrings.py

test-fuzz: $(READY) ## throw malformed files and specs at the loader, and malformed frames at every measure
	@$(BIN)/python -m pytest -n auto -m fuzz tests/panels tests/measures

test-spark: $(READY) ## install the extra `spark` (needs Java 17) and compare the engines
	@$(BIN)/python -m pip install -qq "pyspark>=4.0"
	@$(BIN)/python -m pytest -m spark tests/panels

test-browser: $(READY) ## open the report and the codebook in chromium: wide, narrow, dark, by keyboard, on paper
	@$(BIN)/python -m pytest -m browser tests/browser

# uv finds a Python of its own, of the system or of pyenv, or downloads one where it may.
SECOND ?= 3.13
OTHER   = '.venv-$(subst ','\'',$(value SECOND))'

test-pythons: $(READY) | $(BIN)/uv ## run the tests on a second Python as well; SECOND=3.12 for another than 3.13
	@export PYENV_VERSION=$(call WORD,SECOND); $(BIN)/uv python find $(call WORD,SECOND) >/dev/null 2>&1 || \
	  $(BIN)/uv python install --quiet $(call WORD,SECOND) || \
	  { echo "There is no Python" $(call WORD,SECOND) "here, and uv could not download it." \
	         "Install it, or name one that is here: make test-pythons SECOND=3.12" >&2; exit 1; }; \
	  echo "setup    "$(OTHER) && \
	  $(BIN)/uv venv --quiet --allow-existing --python $(call WORD,SECOND) $(OTHER) && \
	  $(BIN)/uv pip sync --quiet --python $(OTHER) --require-hashes requirements.lock && \
	  $(BIN)/uv pip install --quiet --python $(OTHER) --no-deps --no-build-isolation --editable .
	@$(OTHER)/bin/python -m pytest -n auto --dist loadfile

$(BIN)/uv: $(READY)
	@$(BIN)/python -m pip install -qq uv

# One process, for hours: stop it when you like, it goes on from its records.
mutants: $(READY) ## put 300 small faults in, one at a time, and list which no test notices; N=40 for a quick look
	@$(BIN)/python tests/mutants/run.py $(call OPTION,--number,N) $(call OPTION,--only,ONLY) $(call OPTION,--reach,REACH)

lint: $(READY) ## style, types, and which room may import from which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

bench: $(READY) ## speed against what you would otherwise use, as ratios within one run
	@for script in analysis/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

validate: $(READY) ## Monte Carlo of every estimator and hypothesis, for the report (an hour); REPLICATIONS=50 for a quick look
	@OMP_NUM_THREADS=1 $(BIN)/python analysis/validation/run.py $(call OPTION,--replications,REPLICATIONS)
	@OMP_NUM_THREADS=1 $(BIN)/python analysis/validation/recovery.py $(call OPTION,--replications,REPLICATIONS)

# --- errands ----------------------------------------------------------------------------------

fetch: $(READY) ## download the data that is neither embedded nor on your mirror
	@$(RUN) fetch

docs: $(SITE)/html/index.html ## build the documentation, offline; open analysis/results/site/html/index.html

$(SITE)/html/index.html: docs/quadrants.png $(PANELS) $(DOCS_READY) $(SITE_PAGES) $(STUDY_CODE) $(CLAIM_CODE)
	@$(BIN)/python docs/site/build.py $(SITE)

# The picture of the README is the study's.
docs/quadrants.png: $(RESULTS)/01_car_exporters.json
	@cp $(RESULTS)/01_car_exporters_quadrants.png $@

$(DOCS_READY): requirements-docs.lock $(READY)
	@echo "setup    the documentation's own packages"
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements-docs.lock
	@touch $@

notebooks: $(PANELS) ## run the notebooks; the pages go to analysis/results/notebooks
	@for notebook in analysis/notebooks/*.ipynb; do \
	  echo "notebook $$notebook"; \
	  $(BIN)/jupyter nbconvert --log-level=ERROR --to html --execute --output-dir $(RESULTS)/notebooks $$notebook || exit 1; done

# Not by the environment's own uv alone: that is made from the lock.
ifeq ($(origin UV),undefined)
UV := $(or $(wildcard $(BIN)/uv),uv)
endif

lock: ## pin every dependency (needs uv); UPGRADE=--upgrade for newer versions of what is pinned already
	$(call WORD,UV) pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --extra data --extra did --extra icio --extra notebook --extra dev \
	  pyproject.toml -o requirements.lock
	$(call WORD,PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' | \
	  $(call WORD,UV) pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --constraint requirements.lock - -o requirements-docs.lock

clean: ## remove everything that was built, but not the environment
	rm -rf $(RESULTS) $(PARQUET) data/raw

help: ## this list
	@echo "gvcmetrics: make TARGET"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /:/' | \
	  awk -F: '{printf "  %-12s %s\n", $$1, $$2}'
