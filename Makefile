# make demo     see it work, on loopback, with throw-away data (HOLD=1 keeps it running)
# make test     install what the tests call (root on Debian), then run every test
# make check    formatting, vet, linters, tidy modules, house rules
# make fuzz     every fuzz target for FUZZTIME each
# make bench    Postern beside slapd and FreeRADIUS, in a table (MILLION=1: a million accounts too)
# make mutate   remove each case of the policy in turn: does a test notice?
# make help     these lines

SHELL    := /bin/bash
.SHELLFLAGS := -euo pipefail -c
FUZZTIME ?= 30s
LINT     := $(CURDIR)/lint/bin
RETRY    := $(CURDIR)/.ci/retry
# Modules of their own, so that what they need stays out of the product's go.mod.
NESTED   := $(patsubst %/go.mod,%,$(wildcard lint/go.mod bench/*/go.mod portal/*/go.mod))

BENCHFLAGS ?=

.PHONY: all help build demo deps test bench fuzz mutate check fmt words vet lint vuln tidy clean-tree clean
all: check test

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

build:
	go build ./cmd/postern

demo: build
	./postern demo $(if $(HOLD),--hold)

deps:
	.ci/deps
	@$(RETRY) go list -deps -test ./... >/dev/null # downloads what is missing
	@for m in $(NESTED); do (cd $$m && $(RETRY) go list -deps -test ./... >/dev/null); done

# The products of go test -json are read by noskip, which prints go test's own
# lines and fails where a test skipped itself in CI. Nested modules go first, so
# that the last lines are those of the product. What hangs ends in half an hour,
# and says where it hung; a machine that is only slow needs less.
test: deps
	@cd lint && go build -o $(LINT)/noskip ./noskip
	@for m in $(NESTED); do (cd $$m && go test -json -timeout=30m ./... | $(LINT)/noskip); done
	go test -json -race -shuffle=on -timeout=30m ./... | $(LINT)/noskip

fuzz:
	@.ci/fuzz $(FUZZTIME)

# The generator and the servers share the machine: on a quiet one, the figures
# are closer together.
bench: deps
	go run ./bench/compare $(if $(MILLION),-million) $(BENCHFLAGS)

mutate:
	go run ./policy/mutate

check: fmt words vet lint tidy vuln clean-tree

fmt:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "gofmt would change: $$bad"; exit 1; }

# Nothing in the tree speaks of one machine, of work left over, or of where
# modules come from. The brackets keep these lines from finding themselves.
words:
	@! git grep -nIE '/[w]ork/|[T]ODO|[F]IXME|\b[X]XX\b|[G]OPROXY|[p]roxy\.golang\.org|registry\.[n]pmjs' -- . ':!*/go.sum'
	@! git ls-files -z | xargs -0 du -k | awk '$$1 > 1024 { print "over 1 MiB: " $$2; bad = 1 } END { exit !bad }'

vet: build
	go vet ./...
	@for m in $(NESTED); do (cd $$m && go vet ./...); done

lint: $(LINT)/golangci-lint
	$(LINT)/golangci-lint run ./...
	@for m in $(NESTED); do (cd $$m && $(LINT)/golangci-lint run ./...); done

$(LINT)/golangci-lint $(LINT)/govulncheck &: lint/go.mod lint/go.sum
	cd lint && $(RETRY) go build -o $(LINT)/ tool && touch $(LINT)/*

tidy:
	$(RETRY) go mod tidy -diff
	@for m in $(NESTED); do (cd $$m && $(RETRY) go mod tidy -diff); done

# The vulnerability database is not reachable everywhere: then nothing is known,
# and that is said. What is known to be vulnerable fails.
vuln: $(LINT)/govulncheck
	@out=$$($(LINT)/govulncheck ./... 2>&1) && echo "$$out" || { echo "$$out"; \
		grep -q 'fetching vulnerabilities' <<<"$$out" && echo "vuln: the database was not reachable, so nothing was checked"; }

# A run leaves the tree as it was committed. Only CI insists: elsewhere work is
# under way.
clean-tree:
	@if [ "$${CI:-}" = true ]; then git diff --exit-code; fi

clean:
	rm -rf postern lint/bin
