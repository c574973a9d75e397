"""Results: series of samples, one sample a round."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

ROWGATE = "Rowgate"
ONE_WORKER = "Rowgate, one worker"
"""Rowgate in one process, which has one processor's time."""
OURS = (ROWGATE, ONE_WORKER)
REST = "Rowgate, REST"
REST_OVER_HTTP2 = "Rowgate, REST over HTTP/2"
CALL_A_CONNECTION = "Rowgate, a connection a call"
"""gRPC over as many connections as HTTP/1.1 takes."""
Sample = Mapping[str, float]
"""Figures by metric: `rate` per second; seconds; `p50` and other latencies in µs; CPU in µs a call."""


@dataclass(slots=True)
class Series:
    """One contender's rounds of one workload.

    Args:
        workload: what is done.
        contender: who does it.
        x: where on a curve; None where the workload is no curve.
        samples: one a round, the warm-up left out.

    """

    workload: str
    contender: str
    x: float | None = None
    samples: list[Sample] = field(default_factory=list)

    def values(self, metric: str) -> list[float]:
        """Return a metric, round by round."""
        return [sample[metric] for sample in self.samples if metric in sample]

    def median(self, metric: str) -> float | None:
        """Return a metric's median; None where it wasn't measured."""
        values = self.values(metric)
        return median(values) if values else None

    def as_json(self) -> dict[str, Any]:
        """Return it with each metric's median and spread."""
        metrics = list(dict.fromkeys(name for sample in self.samples for name in sample))
        place = {} if self.x is None else {"x": self.x}
        return {
            "workload": self.workload,
            "contender": self.contender,
            **place,
            "metrics": {name: _spread(self.values(name)) for name in metrics},
        }


def _spread(values: list[float]) -> dict[str, Any]:
    rounded = [float(f"{value:.6g}") for value in values]
    return {"median": median(rounded), "low": min(rounded), "high": max(rounded), "values": rounded}


@dataclass(slots=True)
class Results:
    """Everything that a run has measured, and what it couldn't."""

    series: dict[tuple[str, str, float | None], Series] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def note(self, workload: str, contender: str, sample: Sample, x: float | None = None) -> None:
        """Keep a round's sample, and print it."""
        self.series.setdefault((workload, contender, x), Series(workload, contender, x)).samples.append(
            sample
        )
        place = "" if x is None else f"{x:,.0f}"
        shown = "  ".join(f"{name} {value:,.5g}" for name, value in sample.items())
        print(f"{workload:32} {place:>10} {contender:28} {shown}", flush=True)

    def fail(self, what: str, error: BaseException) -> None:
        """Keep what couldn't be measured, and why, the first time; print it."""
        why = f"{type(error).__name__}: {error}".splitlines()[0] if str(error) else type(error).__name__
        self.failures.setdefault(what, why)
        print(f"FAILED {what}: {error!r}", flush=True)

    def get(self, workload: str, contender: str, x: float | None = None) -> Series | None:
        """Return a series; None where it wasn't measured."""
        return self.series.get((workload, contender, x))

    def of(self, workload: str) -> Iterator[Series]:
        """Yield a workload's series: Rowgate's first, the others in the order of their first rounds."""
        found = [series for series in self.series.values() if series.workload == workload]
        return iter(sorted(found, key=lambda series: not series.contender.startswith(ROWGATE)))

    def curve(self, workload: str, contender: str, metric: str) -> list[tuple[float, float]]:
        """Return a curve's medians, by their place."""
        points = [
            (series.x, value)
            for series in self.of(workload)
            if series.contender == contender and series.x is not None
            if (value := series.median(metric)) is not None
        ]
        return sorted(points)
