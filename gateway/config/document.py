"""The writer of the tables of docs/configuration.md: `python -m gateway.config.document`."""

import re
from pathlib import Path

from gateway.config.setting_names import SECTIONS, SETTINGS, Setting

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
_BEGIN = (
    "<!-- Written by `python -m gateway.config.document`: change the settings' descriptions, not this. -->"
)
_END = "<!-- End of the tables. -->"


def document(page: str) -> str:
    """Return a page with the tables between its marks made anew."""
    tables = "\n".join(_section(name) for name in SECTIONS)
    between = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    return between.sub(lambda _: f"{_BEGIN}\n\n{tables}\n{_END}", page)


def _section(name: str) -> str:
    head = f"### [{name}]\n\n{SECTIONS[name].__doc__}\n\n| key | what it is | default | variable | flag |\n"
    rows = [_row(setting) for setting in SETTINGS if setting.section == name]
    return f"{head}|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(setting: Setting) -> str:
    flag = f"`{setting.flag}`" if setting.is_flag else "none: others would see it"
    if setting.is_switch:
        flag = f"`{setting.flag}`, `{setting.off_flag}`"
    default = setting.default_text or "none"
    return f"| {setting.name} | {setting.description} | {default} | `{setting.variable}` | {flag} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
