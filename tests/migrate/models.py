"""Small models made by hand."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.naming import conv

from gateway.schema.tables.naming import CONVENTION


def empty() -> sa.MetaData:
    """Return a model without tables."""
    return sa.MetaData(naming_convention=CONVENTION)


def flights(version: int = 1) -> sa.MetaData:
    """Return flights and airports; version 2 has a column more, wider types, a label and an index more."""
    second = version > 1
    metadata = empty()
    state = postgresql.ENUM("planned", *(["boarding"] if second else []), "gone", name="State", schema="air")
    code = sa.String(4 if second else 3)
    sa.Table(
        "Airport",
        metadata,
        sa.Column("code", code),
        sa.Column("order", sa.Text, comment="Its order; it's a \\ reserved word."),
        sa.PrimaryKeyConstraint("code", name=conv("Airport_pkey")),
        schema="air",
    )
    flight = sa.Table(
        "flight",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=False)),
        sa.Column("origin", code, nullable=False),
        sa.Column("state", state, nullable=False, server_default="boarding" if second else "planned"),
        sa.Column("delay", sa.BigInteger if second else sa.Integer),
        sa.Column("late", sa.Boolean, sa.Computed("delay > 15", persisted=True)),
        *([sa.Column("gate", sa.Text, server_default=sa.text("'A:1 %s'"))] if second else []),
        sa.PrimaryKeyConstraint("id", name=conv("flight_pkey")),
        sa.UniqueConstraint(
            "origin", "delay", name=conv("flight_origin_key"), postgresql_nulls_not_distinct=True
        ),
        sa.CheckConstraint("origin NOT IN ('XXX', 'YYY') AND delay > -100", name=conv("flight_origin_check")),
        sa.ForeignKeyConstraint(
            ["origin"], ["air.Airport.code"], name=conv("flight_origin_fkey"), onupdate="CASCADE"
        ),
        comment="Flights.",
    )
    sa.Index(
        conv("flight_delay_idx"),
        flight.c.delay.desc(),
        postgresql_include=["origin"],
        postgresql_where=sa.text("delay > 0"),
    )
    if second:
        sa.Index(conv("flight_gate_idx"), flight.c.gate)
    return metadata
