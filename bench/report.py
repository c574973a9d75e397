"""Writes the results as a page of the documentation, with charts, and as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import goals
from bench.charts import chart
from bench.clients import CLIENTS
from bench.datasets import DATASETS
from bench.markdown import cpu_table, curve_table, goals_table, table, workload_table
from bench.results import Results
from bench.testbed import Options
from bench.workloads import bulk, calls, clients, ghz, replicas, rest, scaling, sizes, streams, trust

DOCS = Path(__file__).parent.parent / "docs"
_CHARTS = "charts"
_CALL = ("rate", "p50", "p99", "p999", "cpu", "cpu_postgres", "cpu_load", "memory")
_PAGE = Path(__file__).with_name("page.md").read_text()


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """A scaling curve of the page.

    Args:
        workload: what is done.
        title: the section's.
        along: what the width tells.
        metric: what the height tells.
        up: that, with its unit.
        metrics: the table's.
        what: what is counted.

    """

    workload: str
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


def write(results: Results, options: Options, folder: Path) -> None:
    """Write benchmarks.md, benchmarks.json and charts/ into a folder; print the page, and what fell short."""
    (folder / "benchmarks.json").write_text(_document(results, options))
    pictures = folder / _CHARTS
    pictures.mkdir(exist_ok=True)
    drawn = [curve for curve in _CURVES if _draw(results, curve, pictures / _file(curve))]
    page = _page(results, options, drawn)
    (folder / "benchmarks.md").write_text(page)
    print(page)
    print(shortfalls(results))


def shortfalls(results: Results) -> str:
    """Return the goals that were missed or not measured, and what failed."""
    found = [result for result in goals.goal_results(results) if not result.met]
    if not found and not results.failures:
        return "Every goal is met."
    return f"Fell short:\n\n{goals_table(found)}\n\n{_failures(results)}"


def _document(results: Results, options: Options) -> str:
    """Return the run as JSON, a series a line."""
    about = {"facts": results.facts, "options": dataclasses.asdict(options), "failures": results.failures}
    lines = ",\n  ".join(json.dumps(series.as_json()) for series in results.series.values())
    return f'{{"about": {json.dumps(about, indent=1)},\n "series": [\n  {lines}\n]}}\n'


def _page(results: Results, options: Options, drawn: Sequence[Curve]) -> str:
    workloads = list(_single_calls())
    return _PAGE.format(
        facts="\n".join(f"- {name}: {fact}" for name, fact in results.facts.items()),
        goals=goals_table(goals.goal_results(results)),
        failures=_failures(results),
        stored=options.stored,
        rows=options.rows,
        calls=_sections((workload, workload_table(results, workload, _CALL)) for workload in workloads),
        cpu=cpu_table(results, workloads),
        ghz=_sections(_by_ghz(results)),
        clients=_sections(_by_clients(results)),
        rest=_sections(_by_rest(results)),
        trust=workload_table(results, trust.TRUST, _CALL),
        replicas=workload_table(results, replicas.REPLICAS, _CALL),
        bulk=_sections(_bulk(results)),
        streams=_sections(_streams(results)),
        memory=curve_table(results, streams.MEMORY, "rows", ("memory", "growth", "rate"), "rows"),
        scaling=_sections(_scaling(results, drawn)),
    )


def _failures(results: Results) -> str:
    if not results.failures:
        return "Nothing failed in this run."
    return "Failed in this run:\n\n" + table(("what", "why"), results.failures.items())


def _sections(titled: Iterable[tuple[str, str]]) -> str:
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in titled)


def _single_calls() -> Iterator[str]:
    for verb, in_flight in (("Get", calls.IN_FLIGHT), ("Get", 1), ("Update", calls.IN_FLIGHT)):
        for dataset in DATASETS:
            yield calls.name_of(verb, dataset, in_flight)


def _by_ghz(results: Results) -> Iterator[tuple[str, str]]:
    for in_flight in (calls.IN_FLIGHT, 1):
        workload = ghz.name_of(in_flight)
        yield workload, workload_table(results, workload, ("rate", "p50", "p99", "cpu", "cpu_postgres"))


def _by_clients(results: Results) -> Iterator[tuple[str, str]]:
    for client in CLIENTS:
        workload = clients.name_of(client)
        yield workload, workload_table(results, workload, ("cpu", "cpu_postgres", "rate"))


def _by_rest(results: Results) -> Iterator[tuple[str, str]]:
    metrics = ("rate", "p50", "p99", "cpu", "cpu_postgres", "memory")
    for workload in (*rest.GETS.values(), *rest.LISTS.values()):
        yield (
            workload,
            workload_table(results, workload, metrics),
        )


def _bulk(results: Results) -> Iterator[tuple[str, str]]:
    for dataset in DATASETS:
        yield dataset.title.capitalize(), workload_table(results, bulk.name_of(dataset), ("insert", "update"))


def _streams(results: Results) -> Iterator[tuple[str, str]]:
    metrics = ("rate", "cpu_python", "cpu", "cpu_postgres", "memory")
    for dataset in DATASETS:
        yield dataset.title.capitalize(), workload_table(results, streams.name_of(dataset), metrics, "rows")


def _scaling(results: Results, drawn: Sequence[Curve]) -> Iterator[tuple[str, str]]:
    for curve in _CURVES:
        picture = f"![{curve.up}]({_CHARTS}/{_file(curve)})\n\n" if curve in drawn else ""
        yield (
            curve.title,
            picture + curve_table(results, curve.workload, curve.along, curve.metrics, curve.what),
        )
    idle = ("rate", "p50", "p99", "cpu", "memory", "kib_per_connection")
    yield (
        f"Idle connections, {calls.IN_FLIGHT} calls in flight",
        curve_table(results, scaling.IDLE, "idle", idle),
    )


def _draw(results: Results, curve: Curve, file: Path) -> bool:
    """Draw a curve, and return whether it has points; without any the last run's chart is removed."""
    curves = {
        name: points
        for name in dict.fromkeys(series.contender for series in results.of(curve.workload))
        if len(points := results.curve(curve.workload, name, curve.metric)) > 1
    }
    if curves:
        file.write_text(chart(curve.up, curve.along, curves))
    else:
        file.unlink(missing_ok=True)
    return bool(curves)


def _file(curve: Curve) -> str:
    return f"{curve.title.lower().replace(' ', '-')}.svg"
