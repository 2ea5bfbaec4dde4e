# sparsity-tui: `make run` opens the program on its built-in model, `make test` passes all tests.
# Both install what they need from Debian by name (as root or through sudo) and say so.

PREFIX ?= /usr/local
SWIFT  ?= swift
RELEASE := $(SWIFT) build -c release --static-swift-stdlib --product sparsity-tui
BINARY := .build/release/sparsity-tui
PYTHON := .build/python/bin/python
CACHE  := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/sparsity-tui

.PHONY: run build test check lint walls install model data screenshots bench latency peers finding sanitize \
        dependencies test-dependencies clean

run: build
	@$(BINARY)

build: dependencies
	$(RELEASE)
	@git describe --always --dirty --abbrev=12 >.build/release/revision 2>/dev/null \
	  || rm -f .build/release/revision

# What the program needs: ncurses to draw, oneDNN as the dense rival (loaded at run time).
dependencies:
	@$(call need,libncursesw5-dev,the terminal screen is drawn through ncurses,\
	  test -e /usr/include/ncursesw/curses.h || test -e /usr/include/curses.h)
	@$(call wish,libdnnl2,oneDNN is the best dense rival; without it only our own dense kernel runs,\
	  ldconfig -p | grep -q libdnnl.so)
	@command -v $(SWIFT) >/dev/null || { \
	  echo "Swift 6.3 is needed: https://www.swift.org/install/linux/"; exit 1; }

test-dependencies: dependencies
	@$(call need,tmux,the end-to-end tests run the program in a real terminal,command -v tmux)
	@$(call need,ncurses-bin,tic compiles the tests' own terminal description,command -v tic)
	@$(call need,python3,results files are read back by Python's csv module,command -v python3)

test: test-dependencies check $(PYTHON)
	@echo "$(SWIFT) test"; rm -f .build/test.failed; \
	{ $(SWIFT) test --explicit-target-dependency-import-check error 2>&1 || touch .build/test.failed; } \
	  | tee .build/test.log; \
	test ! -e .build/test.failed || { echo; echo "what failed:"; grep -E '✘|error:' .build/test.log; exit 1; }
	$(PYTHON) Tests/readers.py
	SPARSITY_TUI_DATA="$(CURDIR)/data" Tests/Pipeline/pipeline.sh .build/debug/sparsity-tui $(PYTHON)

# Readers that other people use, to check what we write: in an environment of their own.
$(PYTHON): Tests/Pipeline/requirements.txt
	@$(call need,python3-venv,the tests read results with pandas SciPy and safetensors,\
	  python3 -m ensurepip --version)
	python3 -m venv .build/python
	.build/python/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r Tests/Pipeline/requirements.txt
	@touch $(PYTHON)

check: test-dependencies lint walls
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

# The face never imports the engine; CellUI and Explorer import neither Foundation nor ncurses;
# Benchmarking knows no matrices.
ENGINE := Pruning|Kernels|Benchmarking|Encoder|Training|Laboratory|Tensors|MicroKernels[A-Za-z0-9]*
IMPORT := ^((public|internal|private|package|fileprivate|@[a-zA-Z]+) +)*import
walls:
	@! grep -rnE '$(IMPORT) ($(ENGINE)|Foundation|FoundationEssentials|CTerminal|Terminal)\b' \
	  Sources/Explorer Sources/CellUI || { echo "a wall is broken: see above"; exit 1; }
	@! grep -rnE '$(IMPORT) ($(ENGINE))\b' Sources/Terminal Sources/Experiments \
	  || { echo "a wall is broken: see above"; exit 1; }
	@! grep -rnE '$(IMPORT) (Tensors|Pruning|Kernels|Encoder|Laboratory)\b' Sources/Benchmarking \
	  || { echo "a wall is broken: see above"; exit 1; }

install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/sparsity-tui"
	install -m 755 $(BINARY) "$(DESTDIR)$(PREFIX)/bin/sparsity-tui"
	cp -R data/. "$(DESTDIR)$(PREFIX)/share/sparsity-tui/"
	! test -e .build/release/revision \
	  || cp .build/release/revision "$(DESTDIR)$(PREFIX)/share/sparsity-tui/"
	install -d "$(DESTDIR)$(PREFIX)/share/man/man1"
	$(BINARY) manual >"$(DESTDIR)$(PREFIX)/share/man/man1/sparsity-tui.1"
	install -d "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	$(BINARY) --generate-completion-script bash \
	  >"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/sparsity-tui"
	$(BINARY) --generate-completion-script zsh \
	  >"$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_sparsity-tui"
	$(BINARY) --generate-completion-script fish \
	  >"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/sparsity-tui.fish"

# The whole all-MiniLM-L6-v2 (83.5 MB) into the user's cache, verified.
model:
	data/fetch-model.sh

# The built-in model again, from the whole one and our own sentences.
data: model
	@$(call need,python3-venv,the extract is made with numpy and tokenizers,\
	  python3 -m ensurepip --version)
	python3 -m venv .build/extract
	.build/extract/bin/python -m pip install --quiet numpy tokenizers
	.build/extract/bin/python data/extract.py

# Pictures for the README: the real program in a terminal of its own, after its built-in tour, whose
# measurements are recorded. Only the layers' sensitivity is computed anew.
PICTURE = env XDG_STATE_HOME=.build/pictures/state XDG_CACHE_HOME=.build/pictures/cache \
  XDG_CONFIG_HOME=.build/pictures/config .build/pictures/bin/python screenshots/take.py
screenshots: build
	@$(call need,tmux,the program runs in a real terminal,command -v tmux)
	@$(call need,fonts-dejavu-core,the pictures are set in DejaVu Sans Mono,\
	  test -e /usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf)
	@$(call need,python3-venv,the pictures are drawn with Pillow,python3 -m ensurepip --version)
	python3 -m venv .build/pictures
	.build/pictures/bin/python -m pip install --quiet pillow
	$(PICTURE) screenshots/log.png --limit 300 --quiet 2 --keys "F2 > > > > wait:takes Escape \
	  :pattern Space 32x1 Enter :sparsity Space 0.8 Enter shot:screenshots/mask.png 2 Down Down Right shot:screenshots/sweep.png \
	  3 Right Right shot:screenshots/tradeoff.png 4 S shot:screenshots/layers.png \
	  5 shot:screenshots/why.png 1 a :sparsity Space 0.6 Enter b c" -- $(BINARY)

# How long a key takes to its frame, idle and while both cores compute and a sweep is measured.
latency: build
	SPARSITY_TUI_DATA="$(CURDIR)/data" python3 Tests/latency.py $(BINARY)
	SPARSITY_TUI_DATA="$(CURDIR)/data" python3 Tests/latency.py $(BINARY) --load 2 --sweep \
	  --model synthetic:768x768

bench: build
	$(BINARY) bench

# The whole encoder against PyTorch and onnxruntime, in turns; downloads some gigabytes of them from PyPI.
# PEERS replaces the five tables by one: `make peers PEERS="--batch 1 --patterns 8x1,32x1"`.
PEERS ?= --all
peers: build model
	@$(call need,python3-venv,the peers run in an environment of their own,\
	  python3 -m ensurepip --version)
	python3 -m venv .build/peers
	.build/peers/bin/python -m pip install --quiet --disable-pip-version-check \
	  torch==2.15.0 transformers==5.23.0 onnxruntime==1.31.1 onnx==1.23.2
	SPARSITY_TUI_DATA="$(CURDIR)/data" .build/peers/bin/python Tests/peers.py $(BINARY) \
	  --model "$(CACHE)/all-MiniLM-L6-v2" $(PEERS)
	.build/peers/bin/python Tests/gradients.py $(BINARY) --model "$(CACHE)/all-MiniLM-L6-v2"
	.build/peers/bin/python Tests/gradients.py $(BINARY) --model "$(CACHE)/all-MiniLM-L6-v2" \
	  --layers all --dense

# Which block shape is best at equal speed and equal training: three seeds of three methods, a minute each.
# FINDING holds further options: `make finding FINDING="--steps 300 --seeds 1"`. Goes on where it was stopped.
finding: build model
	@$(call need,fortunes,the text that is trained on,test -e /usr/share/games/fortunes/literature)
	SPARSITY_TUI_DATA="$(CURDIR)/data" python3 Tests/finding.py $(BINARY) .build/finding \
	  --text /usr/share/games/fortunes $(FINDING)

# Undefined behaviour in the kernels and readers shows here; slow, so not part of the tests. The test library
# itself leaks a suite; freed memory that is held back would count towards the readers' own limit of 64 MB;
# and the sanitizer's allocator does not see that limit, so the test that it is one cannot pass.
sanitize:
	ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 $(SWIFT) test --sanitize=address \
	  --scratch-path .build/address --filter 'KernelsTests|TensorsTests' \
	  --skip theLimitsOfTheFuzzingProcessAreReal
	$(SWIFT) test --sanitize=thread --scratch-path .build/thread --filter 'KernelsTests'

clean:
	$(SWIFT) package clean

# $(call need,PACKAGE,WHY,CHECK): installs a Debian package when CHECK fails, and says so.
define need
{ $(3); } >/dev/null 2>&1 || { \
  echo "installing $(1): $(2)"; \
  command -v apt-get >/dev/null || { echo "this needs apt-get: install $(1) by hand"; exit 1; }; \
  if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
  $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) \
    >/dev/null || { echo "could not install $(1); install it by hand"; exit 1; }; }
endef

# The same for what the program can do without: a failure is said, not fatal.
define wish
{ $(3); } >/dev/null 2>&1 || { \
  echo "installing $(1): $(2)"; \
  if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
  { $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq $(1) >/dev/null; } || echo "going on without $(1)"; }
endef
