"""Interleaved rounds: a slow minute of the machine meets every contender."""

from collections.abc import Awaitable, Callable, Mapping

from bench.figures import Figures, Sample

Measure = Callable[[float], Awaitable[Sample]]
"""Measures once; is told which share of the usual time to spend."""

_WARM_UP = 0.3


async def take_turns(
    figures: Figures,
    work: str,
    contenders: Mapping[str, Measure],
    count: int,
    *,
    x: float | None = None,
    warm_up: bool = True,
) -> None:
    """Measure each contender once a round; each round begins with another, and the one to warm up isn't kept.

    A contender that fails is left out from then on: the others go on.
    """
    names = list(contenders)
    failed: set[str] = set()
    for number in range(0 if warm_up else 1, count + 1):
        first = number % max(len(names), 1)
        for name in names[first:] + names[:first]:
            if name in failed:
                continue
            try:
                sample = await contenders[name](1.0 if number else _WARM_UP)
            except Exception as error:  # noqa: BLE001 - whatever ails a contender, the others are measured
                failed.add(name)
                figures.fail(f"{work}, {name}", error)
                continue
            if number:
                figures.note(work, name, sample, x)
