"""Names of a database → names of protos: lower_snake fields, CamelCase messages in the singular."""

import re
import unicodedata
from collections.abc import Callable, Collection
from itertools import chain, count
from keyword import iskeyword

from gateway.proto_files.english import singular
from gateway.schema.protos.foreign_packages import is_foreign
from gateway.schema.tables.naming import snake_case

# Letters that Unicode doesn't take apart into one of ASCII and a mark.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)


def lower_snake(name: str, otherwise: str) -> str:
    """Return a name in small letters of ASCII, digits and single underscores, a letter first.

    Args:
        name: as the database has it: `OrderID`, `Unit Price`.
        otherwise: what stands before a digit that would be first, and for a name without such letters.

    """
    marked = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(letter for letter in marked if not unicodedata.combining(letter))
    spelled = re.sub("[^a-z0-9]+", "_", snake_case(re.sub("[^A-Za-z0-9]+", "_", plain))).strip("_")
    return spelled if spelled[:1].isalpha() else f"{otherwise}_{spelled}".rstrip("_")


def message_name(table: str) -> str:
    """Return the name of one row's message: `order_details` → `OrderDetail`."""
    *before, last = lower_snake(table, "table").split("_")
    return camel_case([*before, singular(last)])


def camel_case(words: Collection[str]) -> str:
    """Return the words in one, each with a capital."""
    return "".join(word[:1].upper() + word[1:] for word in words)


def package_part(name: str, otherwise: str) -> str:
    """Return one part of a package's name.

    It isn't one that imports begin with (`google`, `rowgate`), nor one by which Python (`import`) or Go
    (`internal`) can't import the code that is generated.
    """
    part = lower_snake(name, otherwise)
    cannot_be = is_foreign(part) or iskeyword(part) or part == "internal"
    return f"{part}_{otherwise}" if cannot_be else part


def free_name(name: str, is_taken: Callable[[str], bool], between: str = "") -> str:
    """Return the name, or the first of `name2`, `name3` … that isn't taken."""
    numbered = chain([name], (f"{name}{between}{number}" for number in count(2)))
    return next(one for one in numbered if not is_taken(one))


def json_form(field: str) -> str:
    """Return what two fields of one message may not have in common: protoc compares their names in JSON."""
    return field.replace("_", "").lower()
