"""docs/architecture.md names what there is."""

import re
import tomllib

from tests.harness.sample import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()


def test_every_folder_has_its_paragraph() -> None:
    folders = {path.name for path in (ROOT / "gateway").iterdir() if (path / "__init__.py").exists()}
    assert set(re.findall(r"^### gateway/(\w+)$", TEXT, re.MULTILINE)) == folders


def test_the_layers_are_those_that_are_held() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    held = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    shown = re.search(r"^    (cli > .*)$", TEXT, re.MULTILINE)
    assert shown is not None
    assert shown[1].split(" > ") == [layer.removeprefix("gateway.") for layer in held]


def test_files_that_are_named_are_there() -> None:
    sections = re.split(r"^### gateway/(\w+)$", TEXT, flags=re.MULTILINE)
    for folder, text in zip(sections[1::2], sections[2::2], strict=True):
        for name in re.findall(r"`([\w/]+\.py)`", text):
            below = any((ROOT / "gateway" / folder).rglob(name))
            assert below or (ROOT / name).exists(), f"{name} below gateway/{folder}"


def test_links_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        prose = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
