# A thin front to CMake. The program is built into build/heed.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
NEON_LABELS ?= isa
ASAN_LABELS ?= unit|grad|isa|oom|fuzz|task|golden
CONFIGURE = cmake --log-level=NOTICE
BUILD = cmake --build
MAKEFLAGS += --no-print-directory
export JOBS

.PHONY: all setup demo check check-page check-neon lint asan tsan fuzz bench bench-quick bench-full bench-build golden docs install clean help

all: setup build/CMakeCache.txt   ## the library and the program: build/lib/libheed.so, build/heed
	@$(BUILD) build -j $(JOBS) --target heed

setup:
	@tools/setup core

build/CMakeCache.txt:
	@$(CONFIGURE) --preset release

demo: all   ## train with and without attention, see the difference (set-up included)
	@build/heed demo

check:   ## build with warnings as errors, lint, run all tests (set-up included)
	@tools/setup check
	@$(CONFIGURE) --preset check
	@$(BUILD) build -j $(JOBS)
	@tools/lint
	@tools/run-tests build

check-page:   ## the page of explanations in headless Chromium: keys, files, hostile symbols, pictures, figures
	@tools/setup check && tools/setup page
	@$(CONFIGURE) --preset check
	@$(BUILD) build -j $(JOBS) --target heed make_pages check_page
	@mkdir -p build/page/pages build/page/pictures
	@build/tests/page/make_pages build/page/pages
	@build/tests/page/check_page build/page/pages build/page/pictures

check-neon:   ## the kernels' tests on AArch64: cross-compiled, run under qemu
	@CI=true tools/setup neon
	@tools/arm64 build-neon
	@$(CONFIGURE) --preset neon
	@$(BUILD) build-neon -j $(JOBS) --target $(patsubst %,tests_%,$(subst |, ,$(NEON_LABELS)))
	@tools/run-tests build-neon '$(NEON_LABELS)'

lint:   ## who includes whom, sizes, banned functions, tables without tests
	@tools/lint

asan:   ## unit, gradient, kernel and parser tests under the address and undefined-behaviour sanitizers
	@tools/setup check
	@$(CONFIGURE) --preset asan
	@$(BUILD) build-asan -j $(JOBS)
	@tools/run-tests build-asan '$(ASAN_LABELS)'

tsan:   ## the tests under the thread sanitizer (clang)
	@tools/setup check && tools/setup clang
	@$(CONFIGURE) --preset tsan
	@$(BUILD) build-tsan -j $(JOBS)
	@tools/run-tests build-tsan '$(ASAN_LABELS)'

fuzz:   ## each parser FUZZ_SECONDS long under libFuzzer (clang)
	@tools/setup core && tools/setup clang
	@$(CONFIGURE) --preset fuzz
	@$(BUILD) build-fuzz -j $(JOBS)
	@tools/fuzz build-fuzz $(FUZZ_SECONDS)

bench: bench-build   ## time attention, training, forecasts, translating and long corpora, beside peers: in under twenty minutes
	@bash bench/all.sh

bench-quick: bench-build   ## a few shapes of attention, in under three minutes
	@bash bench/attention.sh quick

bench-full: bench-build   ## every shape of attention: hours
	@bash bench/attention.sh full

bench-build:
	@tools/setup check
	@$(CONFIGURE) --preset check
	@$(BUILD) build -j $(JOBS)

golden:   ## make the files of tests/golden anew (Python 3 with PyTorch)
	@for s in tests/golden/make_*.py; do [ -e "$$s" ] || continue; echo "$$s"; python3 "$$s" || exit 1; done

docs: all   ## make the generated parts of docs/ anew
	@tools/docs

install: all   ## to PREFIX (default /usr/local), below DESTDIR
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

clean:   ## remove all builds
	@rm -rf build build-asan build-tsan build-fuzz build-neon

help:   ## this list
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ {printf "  make %-11s %s\n", $$1, $$2}' Makefile
