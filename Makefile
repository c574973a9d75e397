PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help setup generate run test check bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

setup: $(VENV)/.installed  ## make the virtual environment

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

PROTOS = $(sort $(shell find protos -name '*.proto'))

protos: setup  ## lay the imported google/* protos where buf and protoc find them
	@mkdir -p build/googleapis
	@cp -r "$$($(BIN)/python -c 'import google.rpc; print(list(google.rpc.__path__)[0])')"/.. build/googleapis/google.new
	@rm -rf build/googleapis/google && mv build/googleapis/google.new build/googleapis/google
	@find build/googleapis -type f ! -path '*/google/rpc/*.proto' ! -path '*/google/type/*.proto' \
		! -path '*/google/api/annotations.proto' ! -path '*/google/api/http.proto' \
		! -path '*/google/api/field_behavior.proto' -delete
	@find build/googleapis -type d -empty -delete

generate: protos  ## rebuild the stubs in generated/ from protos/
	$(BIN)/python -m grpc_tools.protoc --proto_path=protos --proto_path=build/googleapis \
		--python_out=generated --pyi_out=generated --grpc_python_out=generated $(PROTOS)

clean:  ## remove the environment, caches and the embedded database
	rm -rf $(VENV) .rowgate .tools build dist
