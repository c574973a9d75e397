"""Vectors of pgvector as columns that the nearest are searched by: an index says what is near."""

import re
from dataclasses import replace

from gateway.introspect.tables.table_records import Column, Index, Table
from gateway.proto_files.text import Value, Word
from gateway.pull.columns import Carrier

_VECTOR = re.compile(r"vector\((\d+)\)")
_DISTANCES = {"vector_cosine_ops": "COSINE", "vector_l2_ops": "L2", "vector_ip_ops": "INNER_PRODUCT"}


def with_vector(carried: Carrier, column: Column, table: Table) -> Carrier:
    """Return the field of a column, which says of a vector what is near, and whether an index finds that."""
    typed = _VECTOR.fullmatch(str(carried.options.get("type", "")))
    if typed is None:
        return carried
    vector: dict[str, Value] = {"dimensions": int(typed[1])}
    found = next((one for one in table.indexes.values() if _distance(one, column)), None)
    if found is None:
        vector["index"] = Word("NONE")
    else:
        vector["distance"] = Word(_distance(found, column))
        said = dict(one.split("=") for one in found.parameters)
        vector |= {name: int(said[name]) for name in ("m", "ef_construction") if name in said}
    options = {name: value for name, value in carried.options.items() if name != "type"}
    return replace(carried, options={**options, "vector": vector})


def _distance(index: Index, column: Column) -> str:
    """Return what is near by an index of a column of vectors; empty of any other index."""
    if index.plain != (column.name,) or index.method != "hnsw" or index.where is not None:
        return ""
    return _DISTANCES.get(index.columns[0].rpartition(" ")[2], "")
