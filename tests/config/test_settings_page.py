"""docs/configuration.md is what the settings say."""

from gateway.config.document import DOCUMENT, document


def test_the_page_is_up_to_date() -> None:
    page = DOCUMENT.read_text()
    assert "| 8 | `ROWGATE_POOL_SIZE` | `--pool-size` |" in page
    assert page == document(page), "run `python -m gateway.config.document`"
