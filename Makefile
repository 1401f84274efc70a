# make demo     a map on two slots of this machine, and its result
# make test     the tests that need no root; at most 5 minutes
# make check    the rest: what needs root, more tools, the package index or more time
# make flow     measurements of memory that take long: streams of items, much output, a hundred million items
# make science  a Python with the libraries that some examples need, which CI makes and make check uses
# make libraries  what programs in the tests import, for each Python that is found
# make chaos    maps and programs in a lab to which whatever can happen does: make chaos MINUTES=60 SEED=7
# make bench    the measurements, beside concurrent.futures.ProcessPoolExecutor
# make clean    away with everything that these made
#
# All of them work in .venv, which the first one makes with the first Python >= 3.11 that it finds. A stamp in it says
# what is installed, so that a second run starts at once and needs no network.

VENV := .venv
PYTHON := $(VENV)/bin/python
SCIENCE := .venv-science
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
# A file's tests run in one process, so that what they share is made once; as many files at a time as there are cores.
# They go in the order of the folders: by default those with few tests come last, which are the slowest, and one core would wait.
PYTEST := $(PYTHON) -m pytest --numprocesses=auto --maxprocesses=8 --dist=loadfile --no-loadscope-reorder
BEYOND := slow or needs_root or needs_postgresql

# Without editable_mode=compat today's setuptools installs an import hook instead of a path, and twistd, which looks
# for its plugins along the path, would silently lack marx-server and marx-worker.
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable

.PHONY: demo test check flow chaos bench clean env bytecode science libraries

demo: $(VENV)/installed
	@sh examples/demo.sh $(VENV)/bin

test: bytecode
	$(PYTEST) -m "not ($(BEYOND))"

check: demo bytecode
	$(PYTEST) -m "($(BEYOND)) and not long"

flow: $(VENV)/installed-test
	$(PYTEST) -m long

chaos: $(VENV)/installed-test
	$(PYTHON) -m tests.proofs.chaos --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) --record docs/proofs

bench: $(VENV)/installed
	$(PYTHON) -m bench

env: $(VENV)/installed-test

# The tests start Marx hundreds of times, and none of these processes may write beside the sources.
bytecode: $(VENV)/installed-test
	@$(PYTHON) -m compileall -q marx twisted

science: $(SCIENCE)/installed

libraries: $(VENV)/made
	$(PYTHON) tests/libraries.py

clean:
	rm -rf $(VENV) $(SCIENCE) .venv-libraries build dist *.egg-info .pytest_cache .hypothesis twisted/plugins/dropin.cache
	find marx twisted tests examples -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/installed: $(VENV)/made setup.py pyproject.toml
	$(INSTALL) .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(INSTALL) ".[test]"
	@touch $@

$(SCIENCE)/installed: $(VENV)/made examples/requirements.txt
	$(PYTHON) -m venv $(SCIENCE)
	$(SCIENCE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement examples/requirements.txt
	@touch $@

$(VENV)/made:
	@for python in $(PYTHONS); do \
	    $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "$$python -m venv $(VENV)"; \
	    $$python -m venv $(VENV) && touch $@ && exit 0; \
	done; \
	echo 'make: Marx needs Python 3.11 or newer with its module venv, and found none.' \
	    'On Debian and Ubuntu: apt-get install python3 python3-venv' >&2; \
	exit 1
