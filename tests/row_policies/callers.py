"""Those who call: claims of every kind, missing, of other types, and texts that look like patterns or SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from time import time
from typing import Any

from gateway.auth.api_key_file import changed_keys, new_key
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set

QUOTE = "acme' OR '1'='1"
TENANTS = ("acme", "evil", "*", "a*", "%", "", QUOTE)
IDS = ("ann", "bob", "*", "%", "7", "-3", "warden", "o'neil", '"q"')
UIDS = tuple(f"0000000{digit}-aaaa-4bbb-8ccc-00000000000{digit}" for digit in range(3))
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a principal, as the documents describe one."""

    kind: str
    id: str
    roles: Sequence[str] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What a report says of it."""
        return f"{self.kind} {self.id!r} roles {list(self.roles)} claims {dict(self.claims)}"


NOBODY = Caller("anonymous", "", ("anonymous",))


def _org(tenant: Any, **more: Any) -> Mapping[str, Any]:
    return {"tenant": tenant, "org": {"tenant": tenant, **more}}


_CHOSEN = (
    NOBODY,
    Caller("jwt", "ann", ("auditor",), {**_org("acme", grade=3), "uid": UIDS[0], "open": True}),
    Caller("jwt", "bob", ("editor",), {**_org("acme", grade=9, admin=True), "clearance": 5, "nick": "bob"}),
    Caller("jwt", "warden", (), {**_org("acme", admin=True), "desk": {"state": "STATE_OPEN", "shelf": "a"}}),
    Caller(
        "jwt", "7", ("editor",), {**_org("evil", grade=5), "desk": {"shelf": "a", "flag": True}, "rank": 3}
    ),
    Caller("api_key", "ann", ("editor",), {**_org("acme", admin=True), "nick": "ann", "rank": 5}),
    Caller(
        "api_key", "bob", (), {**_org("acme", grade=5), "groups": ["janitors"], "retired": False, "nick": ""}
    ),
    Caller(
        "api_key",
        "7",
        (),
        {**_org("evil", admin=True, grade=0), "rank": 2, "nick": "x", "groups": ["janitors"]},
    ),
    Caller("jwt", "none", (), {}),
    Caller(
        "jwt", "lists", (), {**_org(["acme"], grade=[9], admin=[True]), "uid": [UIDS[0]], "clearance": [9]}
    ),
    Caller("jwt", "numbers", (), {**_org(1, grade="9", admin=1), "uid": 7, "clearance": "9", "open": 1}),
    Caller("jwt", "true", (), {**_org(True, grade=True, admin="true"), "clearance": True, "open": "true"}),
    Caller("jwt", "huge", (), {**_org("acme", grade=10**30), "clearance": 10**30, "rank": -(10**30)}),
    Caller("jwt", "99999999999999999999", (), {**_org("acme", grade=1), "clearance": 2, "uid": "no uuid"}),
    Caller("jwt", "nulls", (), {**_org(None, grade=None), "uid": None, "open": None, "desk": None}),
    Caller(
        "jwt", "nested", (), {"tenant": {"tenant": "acme"}, "org": "acme", "desk": [{"state": "STATE_OPEN"}]}
    ),
    Caller(
        "jwt", "star", ("auditor",), {**_org("*", grade=9), "nick": "*", "desk": {"shelf": "*", "state": "*"}}
    ),
    Caller("jwt", "percent", ("auditor",), {**_org("%", grade=9), "nick": "%", "groups": ["jan%"]}),
    Caller(
        "jwt",
        "quote",
        ("auditor",),
        {**_org(QUOTE, grade=9, admin=True), "nick": "b'ob", "groups": "janitors"},
    ),
)


def _drawn(number: int, chance: Random) -> Caller:
    """Return one more, whose claims are there or not, each by itself."""
    org = {
        "tenant": chance.choice(TENANTS),
        "grade": chance.choice([0, 3, 5, 9, "5", None, True]),
        "admin": chance.choice([True, False, 1, "true", None]),
    }
    desk = {
        "state": chance.choice(["STATE_OPEN", "STATE_LENT", "STATE_SEALED", "OPEN", 1]),
        "shelf": chance.choice(["a", "b", "*", "vault"]),
        "flag": chance.choice([True, False, "true", 1]),
    }
    claims = {
        "tenant": chance.choice(TENANTS),
        "clearance": chance.choice([0, 5, 9, -1, 2.5, "9"]),
        "org": org,
        "desk": desk,
        "uid": chance.choice([*UIDS, "", UIDS[0][:-1]]),
        "open": chance.choice([True, False, 0]),
        "nick": chance.choice(["bob", "ann", "*", ""]),
        "rank": chance.choice([0, 3, 5, "3", True]),
        "groups": chance.choice(
            [["janitors"], ["x", "janitors"], [], ["janitor"], "janitors", {"janitors": 1}]
        ),
        "retired": chance.choice([True, False]),
    }
    kept = {name: value for name, value in claims.items() if chance.random() < 0.75}
    roles = [role for role in ("auditor", "editor") if chance.random() < 0.3]
    # An API key's name has no characters but a name's; all else is in what an issuer says.
    return Caller("jwt", IDS[number] if number < len(IDS) else f"drawn{number}", roles, kept)


def all_callers() -> Sequence[Caller]:
    """Return all of them, the same in every run; no two are one principal."""
    taken = {(caller.kind, caller.id) for caller in _CHOSEN}
    chance = Random(11)  # noqa: S311 - claims, no secrets
    drawn = (_drawn(number, chance) for number in count())
    more = [next(drawn) for _ in range(30)]
    return (*_CHOSEN, *(one for one in more if (one.kind, one.id) not in taken))


def credentials(
    folder: Path, callers: Sequence[Caller]
) -> tuple[Mapping[tuple[str, str], str], Mapping[str, Any]]:
    """Write what knows them; return each caller's credential, and the settings of a gateway that takes it."""
    signer = Signer("es")
    keys = {one.id: new_key(one.id, one.roles, one.claims, None) for one in callers if one.kind == "api_key"}
    (folder / "issuer.json").write_bytes(key_set(signer))
    with changed_keys(folder / "keys.json") as kept:
        kept |= {name: key for name, (_, key) in keys.items()}
    settings = {
        "auth_providers": "jwt,api_key",
        "auth_jwt_issuer": ISSUER,
        "auth_jwt_audience": AUDIENCE,
        "auth_jwt_keys_file": folder / "issuer.json",
        "auth_api_keys": folder / "keys.json",
    }
    return {id_of(one): _credential(one, signer, keys) for one in callers}, settings


def id_of(caller: Caller) -> tuple[str, str]:
    """Return what tells callers apart."""
    return caller.kind, caller.id


def _credential(caller: Caller, signer: Signer, keys: Mapping[str, tuple[str, Any]]) -> str:
    if caller.kind == "anonymous":
        return ""
    if caller.kind == "api_key":
        return f"Bearer {keys[caller.id][0]}"
    claims = {**caller.claims, "sub": caller.id, "roles": list(caller.roles), "exp": int(time()) + _DAY}
    return f"Bearer {signer.token(**claims)}"
