"""Reads and writes of single rows that arrive together are carried out together, by one statement.

A decorator over the query executor. Nobody is held back: a call that finds nothing of its kind under way
goes at once, and alone; those that arrive meanwhile share the next statement. Where the last ones came
together, it takes along those that come in the same turn of the loop. So an idle gateway adds no delay, and
a busy one spends a round trip, a lease, a commit and PostgreSQL's work per statement on many calls.

The contract of both:

- Each caller gets its own row. Calls of different statements (another method or field mask) never share one;
  those of different principals may, as what each may see and change is among its own arguments; but not
  (`apart`) where statements run by their caller's role in the database. Every
  statement is a transaction of its own, at the database's isolation.
- The error of one row is one caller's: a batch that fails because of a key or a row is tried again in halves.
  Any other failure (no connection, no time, no permission) is every caller's of the batch. None is left
  hanging.
- A caller that is cancelled, as the transport does when its deadline comes, drops its own place and nobody
  else's. A batch may run until the latest deadline among its callers.
- A statement is for `max_batch_size` rows at most, or for all of one caller's; at most `max_waiting` callers
  wait for one: one more is refused with ResourceExhausted.
- One statement of a kind is under way at a time, which makes the largest batches. Another sets
  out beside it when a batch is full, or `max_delay` after the last one set out, so that a stuck connection
  holds up nobody but its own callers. More than `max_concurrent_batches` are never under way, and fewer while
  the database takes longer than usual (gateway.db.coalesce.concurrency).
- `close` refuses who waits, and bounds the time of what is under way.

Of reads:

- Equal keys are each answered; a key without a row is answered None.
- A batch is closed before its statement is sent, and nothing is cached: a read that arrives after a write was
  acknowledged is sent after it, and sees it.
- A statement is broken off when all of its callers have left.
- Where callers take long to go on with their rows, they get them over several turns of the loop.

Of writes:

- A batch is one transaction: acknowledged when it is committed, with one commit for all.
- Two writes of one row never share a batch, and those of a kind are carried out in the order in which they
  came.
- A write that finds nothing to do (no such row, another version, deleted, locked by another transaction) is
  left out of its batch and handed back to its caller, who alone finds out why, and waits where that helps.
  Writes of the row that came later wait until it has.
- A write that was not sent is dropped when its caller leaves; one that was sent runs on, and the caller's
  Call is `unsettled`.
- Only what the database is known to have undone is tried again. Where nobody knows whether a batch was
  committed, each of its callers hears that (OutcomeUnknown), also where `close` broke it off: a write is
  never done twice, nor told as done and lost.
"""

from gateway.db.coalesce.batch_statements import KeyRead, KeysRead, RowWrite
from gateway.db.coalesce.reads import PointReads
from gateway.db.coalesce.statistics import BatchStatistics
from gateway.db.coalesce.writes import RequestedWrite, RowWrites

__all__ = ["BatchStatistics", "KeyRead", "KeysRead", "PointReads", "RequestedWrite", "RowWrite", "RowWrites"]
