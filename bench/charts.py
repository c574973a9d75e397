"""Charts as small SVG files: one curve a contender, both axes logarithmic, readable on light and dark."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 44, 46
_COLOURS = ("#2f81f7", "#db6d28", "#3fb950", "#a371f7", "#d4a72c")
_STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 14px; font-weight: 600; fill: #24292f }
.grid { stroke: #8c959f; stroke-opacity: .3 }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } .title { fill: #f0f6fc } }
</style>"""
_CHARACTER = 7
"""About the width of a letter, in pixels."""
_THOUSANDS = ((10**6, "M"), (10**3, "k"), (1, ""))


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis between two places of the picture.

    Args:
        low: the least value.
        high: the largest; above `low`.
        start: where `low` is, in pixels.
        end: where `high` is.

    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, whole: bool) -> "Axis":
        """Return the axis of all values; `whole` lets it begin and end at powers of ten."""
        low, high = min(values), max(values)
        if whole:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        return cls(low, high if high > low else low * 10, start, end)

    def place(self, value: float) -> float:
        """Return where a value is, in pixels."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        """Yield the powers of ten within."""
        for power in range(
            math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1
        ):
            yield 10.0**power


def chart(title: str, along: str, curves: Mapping[str, Points]) -> str:
    """Return the SVG of curves. Values are above 0.

    Args:
        title: what the height tells, with its unit.
        along: what the width tells.
        curves: the points of each contender.

    """
    points = [point for curve in curves.values() for point in curve]
    across = Axis.over([x for x, _ in points], _LEFT, _WIDTH - _RIGHT, whole=False)
    up = Axis.over([y for _, y in points], _HEIGHT - _BOTTOM, _TOP, whole=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        _STYLE,
        _text(_LEFT, 16, title, "title"),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, along, anchor="middle"),
        *_grid(across, up),
        *_legend(list(curves)),
        *(part for n, curve in enumerate(curves.values()) for part in _curve(curve, across, up, _COLOURS[n])),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for value in up.ticks():
        y = up.place(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, _short(value), anchor="end")
    for value in across.ticks():
        x = across.place(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        yield _text(x, _HEIGHT - _BOTTOM + 16, _short(value), anchor="middle")


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = _LEFT
    for n, name in enumerate(names):
        yield f'<rect x="{x}" y="25" width="10" height="10" fill="{_COLOURS[n]}"/>'
        yield _text(x + 15, 34, name)
        x += 40 + _CHARACTER * len(name)


def _curve(points: Points, across: Axis, up: Axis, colour: str) -> Iterator[str]:
    places = [(across.place(x), up.place(y)) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    styled = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled} text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    for size, unit in _THOUSANDS:
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
