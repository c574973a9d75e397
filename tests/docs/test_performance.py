"""docs/performance.md explains each target that docs/benchmarks.md calls missed, with its figure."""

import re
from collections.abc import Iterator
from itertools import product

from tests.harness.sample import ROOT

Figure = tuple[str, str, str]
"""A workload, a figure of it, and what it is measured against."""


def _rows(page: str) -> Iterator[list[str]]:
    for line in (ROOT / "docs" / page).read_text().splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _numbers(cell: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", cell)]


def _missed() -> Iterator[tuple[Figure, float]]:
    """Yield what was measured where a target is missed, by each way of serving."""
    for row in _rows("benchmarks.md"):
        if row[-1] == "**missed**":
            yield (row[0], row[2], row[3]), _numbers(row[5])[0]


def _explained() -> Iterator[tuple[set[Figure], float, float]]:
    """Yield what each row explains, and between which figures."""
    for row in _rows("performance.md"):
        if len(row) == len(("workload", "figure", "beside", "wanted", "measured", "why")) and (
            measured := _numbers(row[4])
        ):
            workloads, names, others = (cell.split("; ") for cell in row[:3])
            yield set(product(workloads, names, others)), min(measured), max(measured)


def test_every_missed_target_is_explained() -> None:
    explained = {figure for figures, _, _ in _explained() for figure in figures}
    assert {figure for figure, _ in _missed()} <= explained


def test_figures_are_the_measured_ones() -> None:
    missed = list(_missed())
    for figures, lowest, highest in _explained():
        measured = [value for figure, value in missed if figure in figures]
        assert measured, f"{sorted(figures)}: none of these is missed"
        assert (min(measured), max(measured)) == (lowest, highest), sorted(figures)
