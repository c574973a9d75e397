"""An empty document whose message is delimited (editions): its Create once ended COMMIT_OUTCOME_UNKNOWN."""

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

CASE = Case(
    schema=Schema(
        syntax="editions",
        message="Point",
        columns=(
            Column("f80", "int32_integer", identity=True),
            Column("computed0", "open_enum", computed="action"),
            Column("computed1", "int32_integer", computed="f80"),
            Column("filter", "part_delimited", presence=True, oneof=True),
            Column("action", "open_enum"),
        ),
        key=("f80", "action"),
        altered="row level security",
        package="made.v1",
    ),
    steps=(("create", {"action": -3, "f80": 8996096, "filter": {}}),),
)
