# The two commands a newcomer needs are demo and test; the rest is for daily work.

GO ?= go
export CGO_ENABLED ?= 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: demo test bench soak build generate format check clean

demo: build ## start everything on 127.0.0.1:8080, with sample data and a sandbox instead of Klarna
	./bin/zahlwerk demo

test: ## run every test; installs Chromium, PostgreSQL and a C compiler where they are missing
	bash .ci/test

build:
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/zahlwerk ./cmd/zahlwerk

bench: ## figures beside their ideals, measured in the same run
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchtime 1x -count 1 -timeout 60m ./cmd/zahlwerk ./internal/settlement

soak: ## the long runs: random stories against the sandbox, fuzzing
	bash .ci/soak

generate:
	$(GO) tool templ generate -path views

format:
	gofmt -w $$(git ls-files '*.go' | grep -v _templ.go)
	$(GO) tool templ fmt views

check: ## what CI checks before the tests
	bash .ci/check

clean:
	rm -rf bin .cache
