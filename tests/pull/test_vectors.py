"""Vectors are pulled as fields that the nearest are searched for by, as far as an index says what is near."""

import re
from pathlib import Path

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.search.ways import Distance, Vectors
from tests.harness.databases import Databases
from tests.pull.pulling import pulled, run

MADE = (
    "CREATE EXTENSION vector",
    """CREATE TABLE place (
        id int PRIMARY KEY, straight vector(2) NOT NULL, turned vector(3), multiplied vector(4),
        other vector(5), plain vector,
        words tsvector GENERATED ALWAYS AS (to_tsvector('simple', id::text)) STORED
    )""",
    "CREATE INDEX ON place USING hnsw (straight vector_l2_ops)",
    "CREATE INDEX ON place USING hnsw (turned vector_cosine_ops) WITH (m = 32, ef_construction = 100)",
    "CREATE INDEX ON place USING hnsw (multiplied vector_ip_ops)",
    "CREATE INDEX ON place USING hnsw (other vector_l1_ops)",
)


async def test_an_index_says_what_is_near(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, *MADE)
    await pulled(dsn, folder, package="a")
    text = (folder / "a/public/v1/resources.proto").read_text()
    resource = read_schema(compile_protos(folder)).resources["a.public.v1.Place"]
    assert resource.search is not None
    assert resource.search.vectors == (
        Vectors("straight", 2, Distance.L2, indexed=True),
        Vectors("turned", 3, Distance.COSINE, indexed=True),
        Vectors("multiplied", 4, Distance.INNER_PRODUCT, indexed=True),
        Vectors("other", 5, Distance.COSINE, indexed=False),
    )
    assert re.search(r"dimensions: 3\s+distance: COSINE\s+m: 32\s+ef_construction: 100\s", text)
    assert text.count("ef_construction") == 1
    await pulled(dsn, folder)
    assert (folder / "a/public/v1/resources.proto").read_text() == text
    await run(dsn, "DROP INDEX place_turned_idx", "ALTER TABLE place ALTER turned TYPE vector(6)")
    await pulled(dsn, folder)
    search = read_schema(compile_protos(folder)).resources["a.public.v1.Place"].search
    assert search is not None
    assert search.vectors[1] == Vectors("turned", 6, Distance.COSINE, indexed=False)
