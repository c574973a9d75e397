"""The results as JSON."""

import dataclasses
import json
from pathlib import Path

from bench.figures import Figures
from bench.ground import Options

ROOT = Path(__file__).parent.parent


def write(figures: Figures, options: Options) -> None:
    """Write what was measured."""
    document = {
        "options": dataclasses.asdict(options),
        "facts": figures.facts,
        "failures": figures.failures,
        "series": [series.as_json() for series in figures.series.values()],
    }
    (ROOT / "docs" / "benchmarks.json").write_text(json.dumps(document, indent=1) + "\n")
