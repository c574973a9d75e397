"""ghz with the configurations in examples/ghz: they run as they stand, here for a bounded time."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.harness.sample import ROOT, Sample

CONFIGS = sorted((ROOT / "examples" / "ghz").glob("*.json"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_load_without_errors(ghz: Path, served_sample: Sample, config: Path, tmp_path: Path) -> None:
    # The flags win over the file, except for the call's own data.
    bounded = json.loads(config.read_text()) | {"host": served_sample.target, "duration": "2s"}
    (tmp_path / "config.json").write_text(json.dumps(bounded))
    command = [str(ghz), "--config", str(tmp_path / "config.json"), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["count"] > 50
    assert report["statusCodeDistribution"] == {"OK": report["count"]}
