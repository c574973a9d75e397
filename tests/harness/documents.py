"""The fenced blocks of a Markdown document, and how each is tested.

A comment before a block says how, where it is not plain: `<!-- test: … -->` with one of

- `background until TEXT`: a command that stays; it is ready when it prints the text
- `file PATH`: not a command; the block is written to the path
- `fails with N`: the exit status
- `served sample`: the sample that the whole run of tests shares stands for it
- `in PATH`: another test runs it, and holds the same words
- `after COMMAND`: the command is run first, unseen

An `sh` block without a comment is run to its end and must succeed.
A `json` block right behind it is its answer, in which "…" stands for any text. In a
`console` block the lines behind `$` are commands, and the others are lines of what they print, in this order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<how>[^\n]*?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Args:
        line: its first line in the document, from 1.
        language: what stands behind the fence.
        text: the block.
        how: what the comment before it says, empty without one.
        answer: the JSON block right behind it, empty without one.

    """

    line: int
    language: str
    text: str
    how: str
    answer: str = ""

    @property
    def is_tested(self) -> bool:
        """Whether something is to be done with it: it is a command, or a comment says so."""
        return self.language in ("sh", "bash", "shell", "console") or bool(self.how)

    def steps(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Split a console block into its commands, each with the lines that it shows of what is printed."""
        for step in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, *shown = step.splitlines()
            yield command, [line for line in shown if line.strip() not in ("", "…")]


def blocks_of(document: Path) -> Sequence[Block]:
    """Return the blocks to test, in order."""
    return [block for block in _blocks(document.read_text()) if block.is_tested]


def _blocks(text: str) -> Iterator[Block]:
    found = list(_BLOCK.finditer(text))
    for match, following in zip(found, [*found, None][1:], strict=True):
        answers = following is not None and following["language"] == "json" and not following["how"]
        near = following is not None and not text[match.end() : following.start()].strip()
        yield Block(
            line=text.count("\n", 0, match.start("text")),
            language=match["language"],
            text=match["text"],
            how=match["how"] or "",
            answer=following["text"] if following is not None and answers and near else "",
        )
