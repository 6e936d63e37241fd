# make run and make test do all the set-up on a machine with Python 3.11–3.13 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
SUPPORTED = $(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: run test lint format bench load size audit shots film onnx beforehand cards lessons clean

run: $(VENV)/run.stamp
	$(BIN)/python -m streamlit run app.py --server.port $(PORT) $(ARGS)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks $(ARGS)

load: $(VENV)/dev.stamp
	$(BIN)/python -m tests.load $(ARGS)

size: $(VENV)/dev.stamp
	$(BIN)/python -m tests.load.size $(ARGS)

# Asks the advisory databases on the network, so it is no part of CI.
audit: $(VENV)/run.stamp $(VENV)-audit/stamp
	-$(VENV)-audit/bin/pip-audit --desc off --path $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
	$(VENV)-audit/bin/pip-licenses --python $(BIN)/python --order license --format markdown --with-urls

$(VENV)-audit/stamp:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.7,<3" "pip-licenses>=5,<6"
	touch $@

shots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.browser.shots $(ARGS)

# docs/film.webp and docs/pictures, as the README shows them.
film: $(VENV)/dev.stamp
	$(BIN)/python -m tests.browser.film $(ARGS)

onnx: $(VENV)/dev.stamp
	$(BIN)/python -m train.onnx_files $(ARGS)

beforehand: $(VENV)/run.stamp
	$(BIN)/python -m train.beforehand

cards: $(VENV)/run.stamp
	$(BIN)/python -m train.cards

# Writes the teachers' sheets; ARGS names the address that their codes lead to.
lessons: $(VENV)/run.stamp
	$(BIN)/python -m docs.sheets $(ARGS)

$(VENV)/run.stamp: requirements.txt requirements-lean.txt
	@$(SUPPORTED) || (echo "Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12" && false)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-lean.txt requirements-dev.txt
	@$(SUPPORTED) || (echo "Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12" && false)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/run.stamp

clean:
	rm -rf $(VENV) $(VENV)-audit runs shots .pytest_cache .ruff_cache .hypothesis
