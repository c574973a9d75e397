"""The .proto files that come with Rowgate for schemas to import: its own, and Google's common ones."""

from collections.abc import Mapping
from itertools import chain

from gateway.schema.protos.sources import import_folders

MODULES: Mapping[str, tuple[str, ...]] = {
    "rowgate": ("rowgate/v1/*.proto",),
    "googleapis": (
        "google/api/annotations.proto",
        "google/api/field_behavior.proto",
        "google/api/http.proto",
        "google/rpc/*.proto",
        "google/type/*.proto",
    ),
}
"""The files of each module: two, since many teams have Google's. protoc and buf bring `google/protobuf/*`."""


def shipped_protos() -> Mapping[str, str]:
    """Return the files by their paths below the modules' folder: `googleapis/google/rpc/status.proto`."""
    ours, common, _ = import_folders()
    return {
        f"{module}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for folder, (module, patterns) in zip((ours, common), MODULES.items(), strict=True)
        for path in sorted(chain.from_iterable(folder.glob(pattern) for pattern in patterns))
    }
