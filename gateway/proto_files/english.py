"""English singulars and plurals of the nouns that tables are called by.

By rules, and lists of the words that break them: the libraries for it are large, or no longer kept, and a
wrong guess is mended by renaming the message, which stays.
"""

import re

_IRREGULAR = {
    "child": "children",
    "foot": "feet",
    "man": "men",
    "mouse": "mice",
    "person": "people",
    "woman": "women",
    **{f"{stem}sis": f"{stem}ses" for stem in ("analy", "cri", "diagno", "hypothe", "the")},
    **{f"{stem}f": f"{stem}ves" for stem in ("hal", "lea", "shel", "wol")},
}
_UNCOUNTABLE = frozenset(
    ("data", "equipment", "information", "metadata", "money", "news", "series", "species", "weather")
)
# Singulars that the endings below would cut, or cut elsewhere.
_KNOWN = {
    f"{one}es": one for one in ("alias", "atlas", "bias", "canvas", "gas", "hero", "potato", "veto")
} | {f"{one}s": one for one in ("cache", "calorie", "cookie", "movie", "pie", "selfie", "shoe", "tie", "use")}
_KNOWN |= {"appendices": "appendix", "indices": "index", "matrices": "matrix", "vertices": "vertex"}
_SINGULAR_ENDINGS = ("ss", "us", "is", "alias", "atlas", "bias", "canvas", "gas")
# What a plural ends in, and what its singular does; the first that fits counts.
_ENDINGS = (
    *(("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zzes", "zz"), ("ies", "y")),
    *(("auses", "ause"), ("ouses", "ouse"), ("uses", "us"), ("s", "")),
)


def singular(word: str) -> str:
    """Return the singular of a noun in small letters: `categories` → `category`; one that is one stays."""
    known = _KNOWN | {many: one for one, many in _IRREGULAR.items()}
    if word in known:
        return known[word]
    if word in _UNCOUNTABLE or word.endswith(_SINGULAR_ENDINGS):
        return word
    fitting = ((end, one) for end, one in _ENDINGS if word.endswith(end) and word != end)
    return next((word.removesuffix(end) + one for end, one in fitting), word)


def plural(word: str) -> str:
    """Return the plural of a noun in small letters: `category` → `categories`."""
    if word in _UNCOUNTABLE:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2:-1] not in ("", *"aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"


def plural_name(message: str) -> str:
    """Return a message's name in the plural, as the names of methods have it."""
    last = re.search("[A-Z]?[a-z0-9]*$", message)
    start = last.start() if last else 0
    return message[:start] + plural(message[start:].lower()).capitalize()
