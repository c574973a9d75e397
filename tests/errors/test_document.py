"""docs/errors.md is what the table and the source say."""

from gateway.errors.document import DOCUMENT, document


def test_the_page_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "run `python -m gateway.errors.document`"


def test_every_reason_has_a_message() -> None:
    rows = [line.split(" | ") for line in document().splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows if not row[-1].strip(" |")] == []


def test_the_page_knows_reasons_of_both_kinds() -> None:
    page = document()

    assert "| ROW_NOT_FOUND | NOT_FOUND |" in page
    assert "| NUL_IN_TEXT | holds a NUL character" in page
    assert "| SCHEMA_CHANGED | ABORTED |" in page
    assert "| 23505 | ALREADY_EXISTS | UNIQUE_VIOLATION |" in page
    assert "| 08xxx | UNAVAILABLE | DATABASE_CONNECTION_LOST |" in page
