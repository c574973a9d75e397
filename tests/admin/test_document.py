"""docs/metrics.md lists the metrics that there are."""

from gateway.observe.metrics.document import DOCUMENT, document


def test_the_page_is_up_to_date() -> None:
    page = DOCUMENT.read_text()
    assert page == document(page), "run `python -m gateway.observe.metrics.document`"
