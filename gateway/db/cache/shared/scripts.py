"""What the store carries out, each at once.

A row is a hash: `e` is the version of its table that it goes by, `v` its own version, `c` the position of
the last change that was told, and each other field is the row as one statement reads it. A table is one with
`v` and `c`. Versions are drawn by whoever writes them, so none comes again; and a fill names those that were
found before the row was read. What the store has forgotten, evicted or lost is filled by nobody who looked
before that.
"""

from typing import NamedTuple

_MOST_FIELDS = 64


class Script(NamedTuple):
    """A script of the store.

    Args:
        name: for errors.
        text: in Lua.

    """

    name: str
    text: str


LOOK = Script(
    "look",
    """
local row, of_table = KEYS[1], KEYS[2]
local field, version, row_ms, table_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local function refused(reply) return type(reply) == 'table' and reply.err end
local table_version = redis.call('HGET', of_table, 'v')
if not table_version then
  table_version = version
  if refused(redis.pcall('HSET', of_table, 'v', version)) then
    return false
  end
  redis.call('PEXPIRE', of_table, table_ms)
end
local kept = redis.call('HMGET', row, 'e', 'v', field)
if kept[1] == table_version then
  return {table_version, kept[2], kept[3]}
end
if refused(redis.pcall('HSET', row, 'e', table_version, 'v', version)) then
  return false
end
for _, name in ipairs(redis.call('HKEYS', row)) do
  if #name > 1 then
    redis.call('HDEL', row, name)
  end
end
redis.call('PEXPIRE', row, math.max(redis.call('PTTL', row), row_ms))
return {table_version, version, false}
""",
)
"""Returns a table's and a row's version, made if there are none, and what is kept of the row.

Nothing where they would have to be made and there is no room: that is asked before anything is deleted, after
which the store would make room for all that a script writes.
"""

FILL = Script(
    "fill",
    f"""
local row, of_table = KEYS[1], KEYS[2]
local table_version, version, field, value = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ms, position = tonumber(ARGV[5]), ARGV[6]
local last = redis.call('HMGET', of_table, 'v', 'c')
local kept = redis.call('HMGET', row, 'e', 'v', 'c')
if last[1] ~= table_version or kept[1] ~= table_version or kept[2] ~= version then
  return 0
end
if position ~= '' and ((last[2] and position < last[2]) or (kept[3] and position < kept[3])) then
  return 0
end
if redis.call('HLEN', row) >= {_MOST_FIELDS} and redis.call('HEXISTS', row, field) == 0 then
  return 0
end
local stored = redis.pcall('HSET', row, field, value)
if type(stored) == 'table' and stored.err then
  return 0
end
if redis.call('PTTL', row) < ms then
  redis.call('PEXPIRE', row, ms)
end
return 1
""",
)
"""Keeps a row, unless it was changed since it was looked for, or is of before a change; returns 1 if so."""

TELL = Script(
    "tell",
    """
local key, version, change, ms, channel, message = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local last = redis.call('HGET', key, 'c')
if last and change < last then
  change = last
end
redis.call('DEL', key)
redis.call('HSET', key, 'v', version, 'c', change)
redis.call('PEXPIRE', key, ms)
redis.call('PUBLISH', channel, message)
return 1
""",
)
"""Forgets a row, or all of a table, and tells those who listen.

It deletes first, which a store that has no more room allows.
"""

ALL = (LOOK, FILL, TELL)
