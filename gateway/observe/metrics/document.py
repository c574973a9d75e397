"""The writer of the table in docs/metrics.md: `python -m gateway.observe.metrics.document`."""

import re
from pathlib import Path

from gateway.observe.metrics.catalogue import CATALOGUE
from gateway.observe.metrics.figures import Metric

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
_BEGIN = "<!-- Written by `python -m gateway.observe.metrics.document`: change the catalogue, not this. -->"
_END = "<!-- End of the table. -->"


def document(page: str) -> str:
    """Return a page with the table between its marks made anew."""
    rows = "\n".join(_row(metric) for metric in CATALOGUE.values())
    table = f"{_BEGIN}\n\n| metric | kind | labels | what it is |\n|---|---|---|---|\n{rows}\n\n{_END}"
    return re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: table, page, flags=re.DOTALL)


def _row(metric: Metric) -> str:
    return f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.about} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
