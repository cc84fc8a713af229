# The commands of warmline's source tree. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps build demo test interop serve bench bench-metrics install deb format lint clean

# Where a toolchain is often unpacked, for a machine whose PATH does not name it.
ifeq ($(shell command -v swift),)
swift_dir := $(firstword $(dir $(wildcard $(HOME)/.local/share/swiftly/bin/swift /opt/swift*/usr/bin/swift \
    /usr/share/swift/usr/bin/swift /usr/libexec/swift*/bin/swift /usr/local/swift/usr/bin/swift)))
export PATH := $(if $(swift_dir),$(PATH):$(patsubst %/,%,$(swift_dir)),$(PATH))
endif

# Progress for a person; errors alone for a log.
quiet := $(if $(MAKE_TERMOUT),,--quiet)

swift_sources := $(wildcard Sources Tests) Package.swift

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	    printf '  make %-14s %s\n' "$$name" "$$text"; done

deps: ## install what the build and the tests need (PJSIP, SIPp, baresip, DuckDB); does nothing when they are there
	@docker/deps.sh

build: ## compile everything (debug), after installing what that needs
	@docker/deps.sh --build
	@swift build $(quiet)

demo: build ## watch an attended transfer: four phones, real SIP and RTP, all on this machine
	@bash Tests/demo/run.sh

test: deps lint ## check the formatting, compile, run every test
	@swift build $(quiet) --build-tests
	@swift test --skip-build --disable-xctest
	@bash Tests/bench/metrics.sh check

interop: deps ## slower tests beside real programs (Prometheus, Spark, Chromium, PBXs); JOBS='a b' runs only those
	@docker/deps.sh --interop
	@swift build $(quiet) --build-tests
	@bash Tests/interop/run.sh $(JOBS)

serve: build ## run the controller with the example configuration; two softphones are enough to try it
	@mkdir -p .build/serve
	@echo 'configuration: dialplans/standalone/warmline.json5; logs and socket: .build/serve; stop with Ctrl-C'
	@echo 'from another shell: .build/debug/warmline status --socket .build/serve/warmline.sock'
	@cd .build/serve && exec ../debug/warmline serve --config ../../dialplans/standalone/warmline.json5

bench: deps ## measure (release build): transfers a second, CPU and memory per call, time to the first packet
	@swift build $(quiet) -c release --static-swift-stdlib --product warmline
	@swift build $(quiet) -c release --static-swift-stdlib --product testphone
	@bash Tests/bench/run.sh
	@$(if $(ASTERISK_ROOT),ASTERISK_ROOT='$(ASTERISK_ROOT)' bash Tests/bench/asterisk.sh)

bench-metrics: deps ## measure the metrics core beside DuckDB and jq on 10 million events (release build)
	@swift build $(quiet) -c release --static-swift-stdlib --product warmline
	@swift build $(quiet) -c release --static-swift-stdlib --product loggen
	@bash Tests/bench/metrics.sh

install: ## compile (release) and install below DESTDIR and PREFIX (/usr/local)
	@docker/deps.sh --build
	@docker/install.sh "$(DESTDIR)" "$(or $(PREFIX),/usr/local)"

deb: ## make a Debian package: .build/warmline_VERSION_ARCHITECTURE.deb
	@docker/deps.sh --build
	@docker/deb.sh

format: ## put every source file into the project's style
	@swift format --in-place --recursive $(swift_sources)
	@! command -v clang-format >/dev/null || find Sources -name '*.[ch]' -exec clang-format -i {} +

lint: ## check the style of the Swift sources
	@swift format lint --strict --recursive $(swift_sources)

clean: ## remove everything that was built
	@rm -rf .build
