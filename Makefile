# make demo | run | test | test-all | test-dates | test-learners | check | docs | lock | pictures        (PYTHON=python3.12 chooses the interpreter)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
BROWSER := chromium fontconfig fonts-inter fonts-noto-cjk
TOOLS := curl gcc libc6-dev strace nginx-light caddy npm
PARALLEL := --numprocesses 6 --dist worksteal  # on two cores: some tests mostly wait
PARALLEL_FILES := --numprocesses 2 --dist loadfile  # the tests of one file share what they start
TIMELESS := benchmarks deploy repository pipeline/audio pipeline/gpu pipeline/model_files pipeline/text worker_asr worker_llm/grammar worker_segment worker_tts  # of tests/unit; `make test-dates` runs them, too
MIXED := --numprocesses 3 --dist loadfile --no-loadscope-reorder  # some compute, others mostly wait; the last are short
SMOKE := tests/e2e/test_pipeline.py tests/e2e/test_cli.py
TORCH ?= --requirement requirements-torch.txt
quoted = '$(subst ','\'',$(1))'
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

unexport PYTHONDONTWRITEBYTECODE  # else every process of every test would compile all modules again

.PHONY: demo demo-teachers run teachers cublas test test-all test-dates test-learners check docs lock pictures browser tools clean

demo: .venv/installed  # AUDIO=my.wav asks with a recording of one's own
	$(BIN)/waijiao models fetch
	$(BIN)/waijiao demo$(if $(AUDIO), $(call quoted,$(AUDIO)))

demo-teachers: .venv/teachers $(if $(filter full,$(MODELS)),cublas)  # GLM, ChatGLM-6B, Bark: tiny, with random weights; MODELS=full: GLM and Bark from a hub, on a GPU
	$(BIN)/waijiao models fetch $(if $(filter full,$(MODELS)),large,whisper-base bark-voices checker)
	for teachers in $(or $(MODELS),tiny tiny-chatglm-6b); do $(BIN)/waijiao demo --teachers $$teachers --out answer-of-$$teachers.wav || exit 1; done

run: .venv/installed
	$(BIN)/waijiao models fetch
	$(BIN)/waijiao up

test: .venv/developing
	$(BIN)/waijiao models fetch
	$(BIN)/python -m pytest $(PARALLEL) -m "not served" tests/unit tests/integration
	$(BIN)/python -m pytest $(PARALLEL_FILES) $(SMOKE)

test-all: test browser tools  # `make test test-all` runs the first tiers once, and without torch
	$(MAKE) teachers
	$(BIN)/waijiao models fetch whisper-tiny-en bark-voices
	$(BIN)/python -m tests.dates --moment new-year $(PARALLEL) tests/unit tests/integration/api tests/integration/client tests/integration/jobs -k "not stateful" $(TIMELESS:%=--ignore=tests/unit/%)
	$(BIN)/python -m pytest $(PARALLEL_FILES) tests/browser
	$(BIN)/python -m pytest $(MIXED) tests/e2e tests/engines tests/faults $(addprefix --ignore=,$(SMOKE))
	$(BIN)/python -m tests.faults.mutation

test-dates: .venv/developing tools  # the quick tests on a leap day, around midnight and at changes to summer time
	$(BIN)/waijiao models fetch
	$(BIN)/python -m tests.dates $(PARALLEL) tests/unit tests/integration

test-learners: .venv/developing  # LEARNERS=folder: recordings of real learners, see examples/README.md
	@test -f $(call quoted,$(LEARNERS)/learners.json) || { echo "make test-learners LEARNERS=folder needs a folder with learners.json; examples/README.md says where to get one"; exit 1; }
	$(BIN)/waijiao models fetch
	LEARNERS=$(call quoted,$(LEARNERS)) $(BIN)/python -m pytest $(PARALLEL_FILES) tests/learners

check: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint deploy/Dockerfile

docs: .venv/installed  # the settings' pages, from pipeline/settings.py
	$(BIN)/python docs/generate_settings.py

ROLES := build api models worker_asr worker_llm worker_tts worker_maintenance worker_segment worker_asr_gpu worker_llm_gpu worker_tts_gpu
COMPILE := $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
NO_TORCH := --override build/no-torch.txt $(foreach package,torch sympy mpmath networkx,--no-emit-package $(package))

lock: .venv/developing  # torch apart: which build fits depends on the machine
	mkdir -p build deploy/locks
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --extra dev pyproject.toml -o requirements-dev.lock
	echo "torch ; sys_platform == 'never'" > build/no-torch.txt
	$(COMPILE) $(NO_TORCH) --constraint requirements.lock --extra gpu pyproject.toml -o requirements-gpu.lock
	for role in $(ROLES); do $(COMPILE) $(NO_TORCH) --constraint requirements-gpu.lock --group pyproject.toml:$$role -o deploy/locks/$$role.lock || exit 1; done

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Waijiao needs Python 3.11, 3.12 or 3.13 on the PATH; install one, or name it with PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' || { echo "Waijiao needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another version"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

teachers: .venv/teachers  # what the engines on torch need; TORCH names another build of it

.venv/teachers: requirements-torch.txt requirements-gpu.lock .venv/installed
	$(PIP) $(TORCH)
	$(PIP) --no-deps --require-hashes -r requirements-gpu.lock
	@touch $@

cublas: .venv/installed  # for Whisper on a GPU; the lock is that of its image
	$(PIP) --no-deps --require-hashes -r deploy/locks/worker_asr_gpu.lock

.venv/developing: requirements-dev.lock .venv/installed
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

pictures: .venv/developing browser  # those of the README, from the tests of the pages
	$(BIN)/waijiao models fetch
	$(BIN)/python -m pytest tests/browser
	for picture in docs/pictures/*.png; do cp build/screenshots/$$(basename $$picture) docs/pictures/ || exit 1; done

browser:  # what the tests of the pages need and PyPI does not have
	@{ command -v chromium && fc-list | grep -q "Noto Sans CJK" && fc-list | grep -q "Inter"; } > /dev/null \
	    || { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(BROWSER) > /dev/null; } \
	    || { echo "The tests of the web pages need Chromium and fonts: apt-get install $(BROWSER)"; exit 1; }

tools:  # what other tests need: tests.dates compiles a library; privacy is traced; nginx and Caddy stand before the API; npm has voices
	@{ command -v $(CC) && command -v curl && command -v strace && PATH=$$PATH:/usr/sbin command -v nginx && command -v caddy && command -v npm; } > /dev/null \
	    || { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(TOOLS) > /dev/null; } \
	    || { echo "These tests need a C compiler, curl, strace, nginx, Caddy and npm: apt-get install $(TOOLS)"; exit 1; }

clean:
	rm -rf .venv
