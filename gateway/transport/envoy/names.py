"""What Envoy calls the parts that we configure."""

from typing import Any

Config = dict[str, Any]
"""A message of Envoy's configuration, as JSON."""

TYPES = "type.googleapis.com/envoy"
FILTERS = f"{TYPES}.extensions.filters.http"

CORS = "envoy.filters.http.cors"
BUFFER = "envoy.filters.http.buffer"
CONNECT = "envoy.filters.http.connect_grpc_bridge"
CONNECT_HEADER = "envoy.filters.http.header_mutation"
GRPC_WEB = "envoy.filters.http.grpc_web"
TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
