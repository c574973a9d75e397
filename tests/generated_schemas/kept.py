"""Cases that failed once: modules of corpus/, each with a CASE and why it is kept."""

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from tests.generated_schemas.drawing import Case

CORPUS = Path(__file__).parent / "corpus"
_MODULE = '''"""{why}."""

from math import inf, nan

from tests.generated_schemas.drawing import Case
from tests.generated_schemas.schemas import Column, Schema

CASE = {case!r}

_ = (inf, nan, Column, Schema)
'''


def kept_cases() -> Mapping[str, Case]:
    """Return the cases by the names of their modules."""
    names = sorted(path.stem for path in CORPUS.glob("[a-z]*.py"))
    return {name: import_module(f"tests.generated_schemas.corpus.{name}").CASE for name in names}


def keep(case: Case, why: str) -> Path:
    """Write a case that failed; it is to be given a telling name, and its reason."""
    digest = hashlib.sha256(repr(case).encode()).hexdigest()[:8]
    path = CORPUS / f"case_{digest}.py"
    path.write_text(_MODULE.format(why=why, case=case))
    return path
