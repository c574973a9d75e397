"""The oracle's own reading of columns: what the documents say of who reads, writes and sets them."""

import pytest

from tests.row_policies.callers import NOBODY, Caller
from tests.row_policies.calls import Call, Item
from tests.row_policies.columns import NO_PRESET, NOT_ALLOWED, preset, refusals, shown, tenant
from tests.row_policies.rules import MISSING
from tests.row_policies.tables import DESK, DOSSIER, ESTATE, LEASE

ANN = Caller("jwt", "ann", (), {"rank": 3, "org": {"tenant": "acme"}})
EDITOR = Caller("jwt", "ed", ("editor",), {"rank": "3", "org": {"tenant": ["acme"]}})
ROW = {"note": "locked", "doc": "{}", "shade": "red", "level": 3}


def test_what_is_shown() -> None:
    assert shown(DESK, ROW, ANN) == {**ROW, "note": "***ked", "doc": None}
    assert shown(DESK, {**ROW, "note": "short", "doc": None}, ANN)["note"] == "***"
    assert shown(DESK, {**ROW, "note": None}, ANN)["note"] is None
    assert shown(DESK, ROW, EDITOR) == ROW
    assert shown(ESTATE, {"phone": "1234"}, ANN) == {"phone": "12***"}


@pytest.mark.parametrize(
    ("call", "due"),
    [
        (Call(ANN, DESK, "List", filter='note = "x"'), {"INVALID_ARGUMENT INVALID_FILTER"}),
        (Call(ANN, DESK, "List", filter='label = "note"', order_by="label"), set()),
        (Call(ANN, DESK, "List", order_by="note desc"), {"INVALID_ARGUMENT INVALID_ORDER_BY"}),
        (Call(ANN, DESK, "List", mask=["note"]), set()),
        (Call(ANN, DESK, "List", mask=["doc"]), {"INVALID_ARGUMENT INVALID_FIELD_MASK"}),
        (Call(EDITOR, DESK, "List", filter='note = "x"', mask=["doc"]), set()),
        (Call(ANN, DESK, "Create", [Item((1,), {"shade": "red"})]), {NOT_ALLOWED}),
        (Call(ANN, DESK, "Create", [Item((1,), {"shade": None})]), set()),
        (Call(ANN, DESK, "Update", [Item((1,), {"shade": None})]), {NOT_ALLOWED}),
        (Call(ANN, DESK, "Update", [Item((1,), {"shade": "red"}, whole=True)]), set()),
        (Call(NOBODY, DESK, "Update", [Item((1,), {"label": "x"})]), {NO_PRESET}),
        (Call(NOBODY, ESTATE, "Delete", [Item((1,))]), {NO_PRESET}),
        (Call(NOBODY, DESK, "Delete", [Item((1,))]), set()),
        (Call(EDITOR, DOSSIER, "Create", [Item(("a", "b"))]), {NO_PRESET}),
        (Call(EDITOR, DOSSIER, "Update", [Item(("a", "b"))]), set()),
        (Call(EDITOR, DOSSIER, "Update", [Item(("a", "b"), allow_missing=True)]), {NO_PRESET}),
        (Call(EDITOR, DOSSIER, "Ingest", [Item(("a", "b"))]), {NO_PRESET}),
    ],
)
def test_refusals(call: Call, due: set[str]) -> None:
    assert refusals(call) == due


def test_what_is_preset() -> None:
    assert preset(DESK, ANN, creates=True) == {"author": "ann"}
    assert preset(DESK, ANN, creates=False) == {"mover": "ann"}
    assert preset(DOSSIER, ANN, creates=True) == {"grade": 3}
    assert preset(DOSSIER, EDITOR, creates=True) == {"grade": MISSING}
    assert (tenant(LEASE, ANN), tenant(LEASE, EDITOR), tenant(DESK, ANN)) == ("acme", None, None)
