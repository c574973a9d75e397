"""Annotations of search → Search, and the indexes that it goes by; what is wrong goes to the diagnostics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rowgate.v1.annotations_pb2 import (
    SearchedLikeness,
    SearchedWords,
    SearchOptions,
    VectorOptions,
    WeightedColumn,
)

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import Field, Index, IndexColumn
from gateway.schema.protos.options import column_options
from gateway.schema.search.ways import MAX_EF_SEARCH, Distance, Likeness, Search, Vectors, Words
from gateway.schema.tables.naming import constraint_name, index_name
from gateway.schema.values import ValueKind

_WORDS_COLUMN = "search_words"
_LANGUAGE = "simple"
_WHOLE, _PART = 0.3, 0.6
"""How alike texts have to be where nobody says: pg_trgm's own limits."""
_DISTANCES = {
    VectorOptions.L2: (Distance.L2, "vector_l2_ops"),
    VectorOptions.INNER_PRODUCT: (Distance.INNER_PRODUCT, "vector_ip_ops"),
}
_COSINE = (Distance.COSINE, "vector_cosine_ops")
_BUILT = {"m": 16, "ef_construction": 64}
"""The storage parameters of an HNSW index, and what they are where nobody says."""
_BOUNDS = {"m": (2, 100), "ef_construction": (4, 1000), "ef_search": (1, MAX_EF_SEARCH)}
"""What pgvector takes.

https://github.com/pgvector/pgvector#index-options"""


@dataclass(frozen=True, slots=True)
class SearchReader:
    """Reads how rows of one table are found.

    Args:
        where: the message's full name.
        table: the table's name.
        fields: its fields.
        diagnostics: where what is wrong goes.

    """

    where: str
    table: str
    fields: Sequence[Field]
    diagnostics: Diagnostics

    def read(self, options: SearchOptions) -> Search | None:
        """Return the ways; None where there are none."""
        words = self._words(options.words) if options.HasField("words") else None
        likeness = tuple(self._likeness(options.likeness))
        vectors = tuple(self._nearness())
        return Search(words, likeness, vectors) if words or likeness or vectors else None

    def _nearness(self) -> Iterator[Vectors]:
        for field in self.fields:
            option = self._vector(field)
            if option is not None:
                for wrong, right in _wrong_graph(option):
                    self.diagnostics.add(field.descriptor.full_name, wrong, right)
                yield _vectors(field, option)

    def indexes(self, options: SearchOptions, search: Search | None) -> Iterator[Index]:
        """Yield the indexes of the ways."""
        if search is None:
            return
        if search.words is not None:
            column = search.words.column
            yield Index((IndexColumn(column),), index_name(self.table, column), "gin")
        methods = {one.column: one.index == SearchedLikeness.GIST for one in options.likeness}
        names = {field.column: field.name for field in self.fields}
        for one in search.likeness:
            if one.indexed:
                method = "gist" if methods[names[one.column]] else "gin"
                yield self._index(one.column, "trgm", method, f"{method}_trgm_ops")
        for field in self.fields:
            option = self._vector(field)
            if option is not None and option.index != VectorOptions.NONE:
                operators = _DISTANCES.get(option.distance, _COSINE)[1]
                said = tuple((name, value) for name in _BUILT if (value := getattr(option, name)))
                yield replace(self._index(field.column, "hnsw", "hnsw", operators), parameters=said)

    def _index(self, column: str, kind: str, method: str, operators: str) -> Index:
        name = constraint_name(self.table, column, kind, "idx")
        return Index((IndexColumn(column),), name, method, operators=operators)

    def _words(self, option: SearchedWords) -> Words | None:
        named = [(self._text(one.name, "search.words"), one) for one in option.column]
        if not option.column:
            self.diagnostics.add(self.where, "search.words names no columns", "name at least one")
        weights = [(field.column, _letter(one)) for field, one in named if field is not None]
        column = option.stored_in or _WORDS_COLUMN
        if any(field.column == column for field in self.fields):
            wrong = f'search.words is stored in the column "{column}", as a field is'
            self.diagnostics.add(self.where, wrong, "say search.words.stored_in, a name that no field has")
        names = [column for column, _ in weights]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            self.diagnostics.add(self.where, f'search.words names "{twice}" twice', "name it once")
        return Words(tuple(weights), option.language or _LANGUAGE, column) if weights else None

    def _likeness(self, options: Sequence[SearchedLikeness]) -> Iterator[Likeness]:
        seen: set[str] = set()
        for option in options:
            field = self._text(option.column, "search.likeness")
            if field is None:
                continue
            if field.column in seen:
                self.diagnostics.add(
                    self.where, f'search.likeness names "{field.name}" twice', "name it once"
                )
            seen.add(field.column)
            indexed = option.index != SearchedLikeness.NONE
            if option.parts and not indexed:
                wrong = f'search.likeness of "{field.name}" compares parts, for which pg_trgm is needed'
                self.diagnostics.add(self.where, wrong, "give it an index, or leave parts out")
            threshold = option.threshold or (_PART if option.parts else _WHOLE)
            if not 0 < threshold <= 1:
                wrong = f'search.likeness of "{field.name}" has the threshold {threshold}'
                self.diagnostics.add(self.where, wrong, "say one above 0, and at most 1")
            yield Likeness(field.column, indexed, option.parts, threshold)

    def _text(self, name: str, option: str) -> Field | None:
        """Return the field of text of that name."""
        known = {field.name: field for field in self.fields}
        field = known.get(name)
        if field is None:
            wrong = f'{option}: unknown column "{name}"'
            self.diagnostics.add(self.where, wrong, suggestion(name, known))
        elif field.type.kind is not ValueKind.TEXT or field.type.text_cast or field.type.element:
            wrong = f'{option}: "{name}" is {field.type.sql}, which is no text'
            self.diagnostics.add(self.where, wrong, "name columns of text or varchar")
            return None
        return field

    def _vector(self, field: Field) -> VectorOptions | None:
        options = column_options(field.descriptor.full_name, self.diagnostics)
        return options.vector if options.HasField("vector") else None


def _vectors(field: Field, option: VectorOptions) -> Vectors:
    distance = _DISTANCES.get(option.distance, _COSINE)[0]
    indexed = option.index != VectorOptions.NONE
    return Vectors(field.column, option.dimensions, distance, indexed, option.ef_search)


def _wrong_graph(option: VectorOptions) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the options of an HNSW index, and what would be right."""
    said = {name: value for name in _BOUNDS if (value := getattr(option, name))}
    if said and option.index == VectorOptions.NONE:
        yield f"vector.{next(iter(said))} is of an HNSW index, and there is none", "leave it out"
        return
    for name, value in said.items():
        least, most = _BOUNDS[name]
        if not least <= value <= most:
            yield f"vector.{name} is {value}", f"say a number from {least} to {most}"
    built = {**_BUILT, **said}
    if built["ef_construction"] < 2 * built["m"]:
        wrong = (
            f"vector.ef_construction is {built['ef_construction']}, less than twice m, which is {built['m']}"
        )
        yield wrong, f"say {2 * built['m']} or more"


def _letter(option: WeightedColumn) -> str:
    return WeightedColumn.Weight.Name(option.weight) if option.weight else "D"
