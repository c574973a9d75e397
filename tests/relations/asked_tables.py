"""What filters may ask of the people of tests/schemas/kin, and of the guilds of tests/schemas/guilds."""

from collections.abc import Mapping

from tests.relations.asked import Link, Named, Table, numbers, texts

KIN: Mapping[str, Table] = {
    "Person": Table(
        "seen_person",
        ["id"],
        [
            Named("name", "name", texts("P1", "P12", "P30")),
            Named("age", "age", numbers(18, 40, 60)),
            Named("town_id", '"townId"', numbers(1, 5, 9)),
            Named("employer_name", "employer_name", texts("E1", "E3", "Nobody")),
        ],
        one=[
            Link("town", "Town", '{other}.id = {own}."townId"'),
            Link("parent", "Person", "{other}.id = {own}.parent_id"),
            Link("employer", "Employer", "{other}.name = {own}.employer_name"),
            Link("badge", "Badge", "{other}.person_id = {own}.id"),
        ],
        many=[Link("children", "Person", "{other}.parent_id = {own}.id")],
    ),
    "Town": Table(
        "seen_town",
        ["id"],
        [
            Named("name", "name", texts("T1", "T3", "T6")),
            Named("country", "country", texts("de", "fr")),
            Named("region_code", "region_code", numbers(1, 2, 3)),
        ],
        one=[
            Link(
                "region",
                "Region",
                '({other}.country, {other}."Code Of It") = ({own}.country, {own}.region_code)',
            )
        ],
        many=[
            Link(
                "elders",
                "Person",
                "{other}.\"townId\" = {own}.id AND {other}.age >= 18 AND {other}.mood <> 'CROSS'",
            ),
            Link("natives", "Person", "{other}.birthplace = {own}.name"),
        ],
    ),
    "Region": Table(
        "seen_region",
        ["country", '"Code Of It"'],
        [
            Named("name", "name", texts("de 1", "fr 2", "fr 3")),
            Named("code", '"Code Of It"', numbers(1, 2, 3)),
        ],
        many=[
            Link(
                "towns",
                "Town",
                '({other}.country, {other}.region_code) = ({own}.country, {own}."Code Of It")',
            )
        ],
    ),
    "Employer": Table(
        "seen_employer",
        ["id"],
        [Named("name", "name", texts("E1", "E4")), Named("size", "size", numbers(40, 120, 160))],
    ),
    "Badge": Table(
        "seen_badge",
        ["serial"],
        [
            Named("serial", "serial", texts("B1", "B12", "B7")),
            Named("person_id", "person_id", numbers(1, 7, 10)),
        ],
        one=[Link("person", "Person", "{other}.id = {own}.person_id")],
    ),
}
_OF_GUILD = '({other}.realm, {other}."order") = ({own}.realm, {own}.guild_number)'
_TO_GUILD = '({other}.realm, {other}.guild_number) = ({own}.realm, {own}."order")'
GUILDS: Mapping[str, Table] = {
    "Guild": Table(
        "seen_guild",
        ["realm", '"order"'],
        [
            Named("name", '"select"', texts("G1", "G3", "G7")),
            Named("number", '"order"', numbers(1, 2, 3)),
            Named("parent_realm", "parent_realm", texts("east", "west")),
        ],
        one=[
            Link(
                "parent",
                "Guild",
                '({other}.realm, {other}."order") = ({own}.parent_realm, {own}.parent_number)',
            )
        ],
        many=[
            Link(
                "branches",
                "Guild",
                '({other}.parent_realm, {other}.parent_number) = ({own}.realm, {own}."order")',
            ),
            Link("members", "Member", _TO_GUILD),
            Link("tasks", "Task", _TO_GUILD),
        ],
    ),
    "Member": Table(
        "seen_member",
        ["id"],
        [
            Named("name", '"from"', texts("ann", "bob", "cyd")),
            Named("rank", '"order"', numbers(0, 1, 3)),
            Named("guild_number", "guild_number", numbers(1, 2, 3)),
        ],
        one=[Link("guild", "Guild", _OF_GUILD)],
        many=[Link("tasks", "Task", "{other}.owner_id = {own}.id")],
    ),
    "Task": Table(
        "seen_task",
        ["id"],
        [
            Named("title", "title", texts("T1", "T5", "dig")),
            Named("cost", "cost", numbers(1, 4, 9)),
            Named("owner_id", "owner_id", numbers(1, 7, 9)),
        ],
        one=[Link("guild", "Guild", _OF_GUILD), Link("owner", "Member", "{other}.id = {own}.owner_id")],
        many=[
            Link(
                "helpers",
                "Member",
                "({other}.realm, {other}.guild_number) = ({own}.realm, {own}.guild_number)"
                ' AND {other}."order" > 0 AND EXISTS (SELECT FROM seen_guild g WHERE g.open'
                ' AND (g.realm, g."order") = ({other}.realm, {other}.guild_number))',
            )
        ],
    ),
}
ALL_OF_KIN = """
    CREATE VIEW seen_person AS SELECT * FROM person WHERE deleted_at IS NULL;
    CREATE VIEW seen_region AS SELECT * FROM "Odd Region" WHERE deleted_at IS NULL;
    CREATE VIEW seen_town AS SELECT * FROM town;
    CREATE VIEW seen_employer AS SELECT * FROM employer;
    CREATE VIEW seen_badge AS SELECT * FROM badge
"""
