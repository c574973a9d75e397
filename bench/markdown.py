"""Results as tables of the page."""

from collections.abc import Iterable, Sequence

from bench.goals import Goal, GoalResult
from bench.results import OURS, Results, Series

_TIMES = "\N{MULTIPLICATION SIGN}"
_UNITS = {
    "rate": "calls/s",
    "p50": "p50 µs",
    "p99": "p99 µs",
    "p999": "p99.9 µs",
    "cpu": "CPU µs",
    "cpu_python": "Python's thread µs",
    "cpu_other": "other threads µs",
    "cpu_postgres": "PostgreSQL µs",
    "cpu_both": "CPU and PostgreSQL µs",
    "cpu_load": "generator µs",
    "memory": "memory MiB",
    "growth": "above idle MiB",
    "kib_per_connection": "KiB a connection",
    "insert": "all new, s",
    "update": "all stored, s",
    "seconds": "seconds",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown; nothing where it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return "Not measured in this run."
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines])


def goals_table(goal_results: Iterable[GoalResult]) -> str:
    """Return what was to be reached, and what was."""
    head = ("workload", "by", "figure", "against", "wanted", "measured", "lowest to highest", "")
    return table(head, (_goal_row(result) for result in goal_results))


def _goal_row(result: GoalResult) -> Sequence[str]:
    goal = result.goal
    sign = "at most" if goal.at_most else "at least"
    unit = f" {goal.unit}" if goal.unit else _TIMES
    asked = (
        *(_place(goal.workload, goal.at), goal.who, goal.metric, _against(goal)),
        f"{sign} {goal.wanted:g}{unit}",
    )
    if not result.values:
        return (*asked, "not measured", "", "")
    low, high = min(result.values), max(result.values)
    said = "met" if result.met else "**missed**"
    return (*asked, f"{result.value:.2f}{unit}", f"{low:.2f} to {high:.2f}", said)


def _against(goal: Goal) -> str:
    if goal.against is None:
        return ""
    return _place("itself" if goal.against == goal.who else goal.against, goal.against_at)


def _place(name: str, at: float | None) -> str:
    return name if at is None else f"{name}: {at:,.0f}"


def workload_table(results: Results, workload: str, metrics: Sequence[str], what: str = "calls") -> str:
    """Return a workload's contenders with their medians; the first metric with its spread too."""
    head = ("contender", _unit(metrics[0], what), "lowest to highest", *(_unit(m, what) for m in metrics[1:]))
    return table(head, ([series.contender, *_cells(series, metrics)] for series in results.of(workload)))


def curve_table(
    results: Results, workload: str, along: str, metrics: Sequence[str], what: str = "calls"
) -> str:
    """Return a curve's points with their medians."""
    head = (along, "contender", *(_unit(metric, what) for metric in metrics))
    ordered = sorted(results.of(workload), key=lambda series: series.x or 0)
    rows = (
        [f"{series.x or 0:,.0f}", series.contender, *(_median(series, m) for m in metrics)]
        for series in ordered
    )
    return table(head, rows)


def cpu_table(results: Results, workloads: Sequence[str]) -> str:
    """Return where Rowgate's CPU goes, workload by workload."""
    metrics = ("cpu_python", "cpu_other", "cpu_postgres")
    found = (series for workload in workloads for who in OURS if (series := results.get(workload, who)))
    rows = ([series.workload, series.contender, *(_median(series, m) for m in metrics)] for series in found)
    return table(("workload", "by", *(_UNITS[metric] for metric in metrics)), rows)


def _unit(metric: str, what: str) -> str:
    return f"{what}/s" if metric == "rate" else _UNITS[metric]


def _cells(series: Series, metrics: Sequence[str]) -> list[str]:
    values = series.values(metrics[0])
    spread = f"{number(min(values))} to {number(max(values))}" if values else ""
    return [_median(series, metrics[0]), spread, *(_median(series, metric) for metric in metrics[1:])]


def _median(series: Series, metric: str) -> str:
    value = series.median(metric)
    return "" if value is None else number(value)


def number(value: float) -> str:
    """Return a figure with about three digits; large ones whole."""
    if abs(value) >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.005 else "0"  # noqa: PLR2004 - what is shown has three digits
