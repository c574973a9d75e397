"""The results as a page of the documentation, with charts, and as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import goals
from bench.charts import chart
from bench.clients import CLIENTS
from bench.figures import Figures
from bench.ground import Options
from bench.subjects import SUBJECTS
from bench.tables import cpu_table, curve_table, goals_table, table, work_table
from bench.works import bulk, calls, clients, ghz, scaling, sizes, streams

DOCS = Path(__file__).parent.parent / "docs"
_CHARTS = "charts"
_CALL = ("rate", "p50", "p99", "p999", "cpu", "cpu_postgres", "cpu_load", "memory")
_PAGE = Path(__file__).with_name("page.md").read_text()


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """A scaling curve of the page.

    Args:
        work: what is done.
        title: the section's.
        along: what the width tells.
        metric: what the height tells.
        up: that, with its unit.
        metrics: the table's.
        what: what is counted.

    """

    work: str
    title: str
    along: str
    metric: str
    up: str
    metrics: Sequence[str]
    what: str = "calls"


_CURVES = (
    Curve(
        scaling.CONCURRENCY,
        "Calls in flight",
        "calls in flight",
        "rate",
        "Get: calls/s",
        ("rate", "p50", "p99"),
    ),
    Curve(
        sizes.TABLES,
        "Rows in the table",
        "rows in the table",
        "p50",
        "Get, one at a time: µs",
        ("p50", "p99"),
    ),
    Curve(sizes.PAGES, "Pages", "page of 50 rows", "p50", "List: µs", ("p50", "cpu", "cpu_postgres")),
    Curve(
        sizes.BATCHES, "Rows in a call", "rows in the call", "rate", "BulkUpsert: rows/s", ("rate",), "rows"
    ),
)


def write(figures: Figures, options: Options, folder: Path) -> None:
    """Write benchmarks.md, benchmarks.json and charts/ into a folder; print the page."""
    (folder / "benchmarks.json").write_text(_document(figures, options))
    pictures = folder / _CHARTS
    pictures.mkdir(exist_ok=True)
    drawn = [curve for curve in _CURVES if _draw(figures, curve, pictures / _file(curve))]
    page = _page(figures, options, drawn)
    (folder / "benchmarks.md").write_text(page)
    print(page)


def _document(figures: Figures, options: Options) -> str:
    """Return the run as JSON, a series a line."""
    about = {"facts": figures.facts, "options": dataclasses.asdict(options), "failures": figures.failures}
    lines = ",\n  ".join(json.dumps(series.as_json()) for series in figures.series.values())
    return f'{{"about": {json.dumps(about, indent=1)},\n "series": [\n  {lines}\n]}}\n'


def _page(figures: Figures, options: Options, drawn: Sequence[Curve]) -> str:
    works = list(_single_calls())
    return _PAGE.format(
        facts="\n".join(f"- {name}: {fact}" for name, fact in figures.facts.items()),
        goals=goals_table(goals.verdicts(figures)),
        failures=_failures(figures),
        stored=options.stored,
        rows=options.rows,
        calls=_sections((work, work_table(figures, work, _CALL)) for work in works),
        cpu=cpu_table(figures, works),
        ghz=_sections(_by_ghz(figures)),
        clients=_sections(_by_clients(figures)),
        bulk=_sections(_bulk(figures)),
        streams=_sections(_streams(figures)),
        memory=curve_table(figures, streams.MEMORY, "rows", ("memory", "growth", "rate"), "rows"),
        scaling=_sections(_scaling(figures, drawn)),
    )


def _failures(figures: Figures) -> str:
    if not figures.failures:
        return "Nothing failed in this run."
    return "Failed in this run:\n\n" + table(("what", "why"), figures.failures.items())


def _sections(titled: Iterable[tuple[str, str]]) -> str:
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in titled)


def _single_calls() -> Iterator[str]:
    for verb, in_flight in (("Get", calls.IN_FLIGHT), ("Get", 1), ("Update", calls.IN_FLIGHT)):
        for subject in SUBJECTS:
            yield calls.name_of(verb, subject, in_flight)


def _by_ghz(figures: Figures) -> Iterator[tuple[str, str]]:
    for in_flight in (calls.IN_FLIGHT, 1):
        work = ghz.name_of(in_flight)
        yield work, work_table(figures, work, ("rate", "p50", "p99"))


def _by_clients(figures: Figures) -> Iterator[tuple[str, str]]:
    for client in CLIENTS:
        work = clients.name_of(client)
        yield work, work_table(figures, work, ("cpu", "cpu_postgres", "rate"))


def _bulk(figures: Figures) -> Iterator[tuple[str, str]]:
    for subject in SUBJECTS:
        yield subject.title.capitalize(), work_table(figures, bulk.name_of(subject), ("insert", "update"))


def _streams(figures: Figures) -> Iterator[tuple[str, str]]:
    metrics = ("rate", "cpu_python", "cpu", "cpu_postgres", "memory")
    for subject in SUBJECTS:
        yield subject.title.capitalize(), work_table(figures, streams.name_of(subject), metrics, "rows")


def _scaling(figures: Figures, drawn: Sequence[Curve]) -> Iterator[tuple[str, str]]:
    for curve in _CURVES:
        picture = f"![{curve.up}]({_CHARTS}/{_file(curve)})\n\n" if curve in drawn else ""
        yield curve.title, picture + curve_table(figures, curve.work, curve.along, curve.metrics, curve.what)
    some = ("rate", "p50", "p99", "cpu", "memory")
    yield (
        f"Workers, {scaling.WORKERS_IN_FLIGHT} calls in flight",
        curve_table(figures, scaling.WORKERS, "workers", some),
    )
    idle = (*some, "kib_per_connection")
    yield (
        f"Idle connections, {calls.IN_FLIGHT} calls in flight",
        curve_table(figures, scaling.IDLE, "idle", idle),
    )


def _draw(figures: Figures, curve: Curve, file: Path) -> bool:
    """Draw a curve, and return whether it has points; without any the last run's chart is removed."""
    curves = {
        name: points
        for name in dict.fromkeys(series.contender for series in figures.of(curve.work))
        if len(points := figures.curve(curve.work, name, curve.metric)) > 1
    }
    if curves:
        file.write_text(chart(curve.up, curve.along, curves))
    else:
        file.unlink(missing_ok=True)
    return bool(curves)


def _file(curve: Curve) -> str:
    return f"{curve.title.lower().replace(' ', '-')}.svg"
