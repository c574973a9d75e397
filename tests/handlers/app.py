"""The handlers of the kiosk: each does what a test asks for by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from kiosk.v1 import kiosk_pb2, kiosk_pb2_grpc
from sqlalchemy import select

from gateway.handlers import (
    Context,
    FailedPrecondition,
    InvalidArgument,
    Isolation,
    NotFound,
    Rowgate,
    RowgateError,
    after,
    before,
)

PURCHASES = "kiosk.v1.PurchaseService"

waiting = asyncio.Event()
"""Whether a handler waits for its end."""
gone = asyncio.Event()
"""Whether the call is over that has left a task."""
left: set[asyncio.Task[None]] = set()
ended: list[str] = []
"""What ended handlers that wait."""
INSIDE = "something that callers are not to hear"
TRIED, NAMED = "tried", "named"
"""Notes of purchases that a hook has only tried, or names."""
ONCE = "0e6f4c5c-29ad-4c53-8d4e-6b4f6cf0f0b8"
"""The name of a purchase that names none itself."""


class Kiosk(kiosk_pb2_grpc.KioskServiceServicer):
    """Sells articles."""

    async def Buy(self, request: Any, context: Context) -> Any:
        """Take what is bought out of the stock, of which callers may change nothing."""

        async def buy(rowgate: Rowgate) -> Any:
            articles = rowgate.bypass_policies().stub(kiosk_pb2_grpc.ArticleServiceStub)
            article = await articles.GetArticle(kiosk_pb2.GetArticleRequest(sku=request.sku))
            if article.stock < request.count:
                raise FailedPrecondition(
                    "too few are left", reason="SOLD_OUT", metadata={"left": str(article.stock)}
                )
            article.stock -= request.count
            await articles.UpdateArticle(_update(article))
            bought = kiosk_pb2.Purchase(sku=request.sku, count=request.count)
            create = kiosk_pb2.CreatePurchaseRequest(purchase=bought)
            return await rowgate.call(f"{PURCHASES}/CreatePurchase", create)

        return await context.rowgate.transact(buy, isolation=Isolation.SERIALIZABLE)

    async def Act(self, request: Any, context: Context) -> Any:
        """Do what is asked for."""
        told = await _ACTS[request.what](request, context)
        return kiosk_pb2.ActResponse(told=told)

    async def Watch(self, request: Any, context: Context) -> AsyncIterator[Any]:
        """Tell numbers, for ever where that is asked for."""
        number = 0
        try:
            while request.what == "ever" or number < int(request.what):
                article = await context.rowgate.call(
                    "kiosk.v1.ArticleService/GetArticle", _article(request.name)
                )
                yield kiosk_pb2.ActResponse(told=[str(number), str(article.stock)])
                number += 1
        finally:
            ended.append("watch")

    async def Chat(self, requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        """Say what is said, and who says it."""
        async for request in requests:
            if request.what == "fail":
                raise InvalidArgument.field("what", "isn't said", reason="NOT_SAID")
            if request.what == "hurry":
                try:
                    async with asyncio.timeout(0.01):
                        await anext(requests)
                except TimeoutError:
                    yield kiosk_pb2.ActResponse(told=["nothing came"])
                return
            yield kiosk_pb2.ActResponse(told=[request.what, context.principal.id])

    async def BuyAll(self, requests: AsyncIterator[Any], context: Context) -> Any:
        """Buy what is asked for, all or none: `enough` is the last, and `wait` waits for a test's word."""
        wanted = []
        try:
            async for request in requests:
                if request.sku == "enough":
                    break
                if request.sku == "wait":
                    waiting.set()
                    await gone.wait()
                else:
                    wanted.append(kiosk_pb2.Purchase(sku=request.sku, count=request.count))
        finally:
            ended.append("read")

        async def buy(rowgate: Rowgate) -> list[str]:
            creates = [kiosk_pb2.CreatePurchaseRequest(purchase=one) for one in wanted]
            return [str((await rowgate.call(f"{PURCHASES}/CreatePurchase", one)).count) for one in creates]

        return kiosk_pb2.ActResponse(told=await context.rowgate.transact(buy))

    async def Hide(self, request: Any, context: Context) -> Any:
        """Answer nothing."""
        return kiosk_pb2.ActResponse()


Act = Callable[[Any, Context], Awaitable[list[str]]]


async def tell(_request: Any, context: Context) -> list[str]:
    """Tell of the call."""
    sent = dict(context.metadata)
    remaining = context.time_remaining()
    left = "" if remaining is None else str(0 < remaining <= 60)
    who = context.principal
    return [
        who.id,
        *sorted(who.roles),
        left,
        str(sent.get("x-color")),
        str(sent.get("rowgate-consistency")),
        str("authorization" in sent),
        context.method,
    ]


async def get(request: Any, context: Context) -> list[str]:
    """Read a purchase as the caller."""
    found = await context.rowgate.call(
        f"{PURCHASES}/GetPurchase", kiosk_pb2.GetPurchaseRequest(id=int(request.name))
    )
    return [found.buyer, found.note]


async def get_all(request: Any, context: Context) -> list[str]:
    """Read a purchase, whoever calls."""
    found = await context.bypass_policies().call(
        f"{PURCHASES}/GetPurchase", kiosk_pb2.GetPurchaseRequest(id=int(request.name))
    )
    return [found.buyer, found.note]


async def count(_request: Any, context: Context) -> list[str]:
    """Tell which purchases the caller sees, and which there are."""
    ask = kiosk_pb2.ListPurchasesRequest()
    mine = await context.rowgate.call(f"{PURCHASES}/ListPurchases", ask)
    every = await context.bypass_policies().call(f"{PURCHASES}/ListPurchases", ask)
    return [str(len(mine.purchases)), str(len(every.purchases))]


async def restock(request: Any, context: Context) -> list[str]:
    """Call a method that few may call."""
    article = kiosk_pb2.Article(sku=request.name, stock=99)
    await context.rowgate.call(
        "kiosk.v1.ArticleService/UpdateArticle", kiosk_pb2.UpdateArticleRequest(article=article)
    )
    return []


async def fail(request: Any, context: Context) -> list[str]:
    """Write, and fail then, in a way that nobody foresaw."""

    async def work(rowgate: Rowgate) -> list[str]:
        await _create(rowgate, request.name)
        raise ValueError(INSIDE)

    return await context.rowgate.transact(work)


async def refuse(request: Any, context: Context) -> list[str]:
    """Write, and refuse then."""

    async def work(rowgate: Rowgate) -> list[str]:
        await _create(rowgate, request.name)
        raise NotFound("there is no such thing", reason="NO_SUCH_THING", metadata={"name": request.name})

    return await context.rowgate.transact(work)


async def partly(request: Any, context: Context) -> list[str]:
    """Undo a part of a transaction."""

    async def part(rowgate: Rowgate) -> None:
        await _create(rowgate, request.name)
        raise KeyError

    async def work(rowgate: Rowgate) -> list[str]:
        try:
            await rowgate.transact(part)
        except KeyError:
            await _create(rowgate, request.name)
        return []

    return await context.rowgate.transact(work)


async def wait(request: Any, context: Context) -> list[str]:
    """Write, and wait for ever in the transaction."""

    async def work(rowgate: Rowgate) -> list[str]:
        await _create(rowgate, request.name)
        await _forever()
        return []

    return await context.rowgate.transact(work)


async def leak(request: Any, context: Context) -> list[str]:
    """Use a transaction behind its end."""
    kept: list[Rowgate] = []

    async def work(rowgate: Rowgate) -> None:
        kept.append(rowgate)

    await context.rowgate.transact(work)
    await _create(kept[0], request.name)
    return []


async def together(request: Any, context: Context) -> list[str]:
    """Call several methods at once, within a transaction and without."""

    async def work(rowgate: Rowgate) -> list[str]:
        made = await asyncio.gather(*(_create(rowgate, request.name) for _ in range(5)))
        return [str(len({one.id for one in made}))]

    await asyncio.gather(*(_create(context.rowgate, request.name) for _ in range(5)))
    return await context.rowgate.transact(work)


async def parts(request: Any, context: Context) -> list[str]:
    """Carry out several parts at once, every other of which fails, each with a part of its own."""

    async def part(rowgate: Rowgate, number: int) -> None:
        await rowgate.transact(lambda inner: _create(inner, request.name))
        async with rowgate.session():
            await rowgate.transact(lambda inner: _create(inner, request.name))
        if number % 2:
            raise KeyError(number)

    async def work(rowgate: Rowgate) -> list[str]:
        every = (rowgate.transact(partial(part, number=n)) for n in range(6))
        done = await asyncio.gather(*every, return_exceptions=True)
        return [repr(one) for one in done if one is not None]

    return await context.rowgate.transact(work)


async def leave(request: Any, context: Context) -> list[str]:
    """Leave a task behind that goes on with the call's transaction, and tell what becomes of it."""

    async def go_on() -> None:
        await gone.wait()
        try:
            await _create(context.rowgate, "cola")
        except RuntimeError as error:
            ended.append(str(error))
        else:
            ended.append("went on")

    gone.clear()
    left.add(asyncio.create_task(go_on()))
    return []


async def cancel(request: Any, context: Context) -> list[str]:
    """Write, and await what somebody has cancelled, which isn't the call."""
    await _create(context.rowgate, request.name)
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel(INSIDE)
    await cancelled
    return []


async def unknown(_request: Any, context: Context) -> list[str]:
    """Call what isn't there."""
    return [
        await context.rowgate.call("kiosk.v1.PurchaseService/GetPurchases", kiosk_pb2.GetPurchaseRequest())
    ]


async def wrong(_request: Any, context: Context) -> list[str]:
    """Send what the method doesn't take."""
    return [await context.rowgate.call(f"{PURCHASES}/GetPurchase", kiosk_pb2.ActRequest())]


async def again(request: Any, context: Context) -> list[str]:
    """Fail to be serialised once, by a write of another call's."""
    tried: list[int] = []

    async def work(rowgate: Rowgate) -> list[str]:
        tried.append(1)
        article = await rowgate.call("kiosk.v1.ArticleService/GetArticle", _article(request.name))
        if len(tried) == 1:
            other = kiosk_pb2.Article(sku=request.name, stock=article.stock + 10)
            await context.bypass_policies().call("kiosk.v1.ArticleService/UpdateArticle", _update(other))
        article.stock += 1
        await rowgate.bypass_policies().call("kiosk.v1.ArticleService/UpdateArticle", _update(article))
        return [str(len(tried)), str(article.stock)]

    return await context.rowgate.transact(work, isolation=Isolation.REPEATABLE_READ)


async def sql(request: Any, context: Context) -> list[str]:
    """Run a query as the caller."""
    return [str(row) for row in await context.rowgate.fetch(request.name)]


async def sql_past(request: Any, context: Context) -> list[str]:
    """Run a query whatever policies say."""
    return [str(row) for row in await context.bypass_policies().fetch(request.name)]


async def bound(request: Any, context: Context) -> list[str]:
    """Bind what was sent, which is never a part of the text."""
    rows = await context.rowgate.fetch(
        "SELECT sku, stock FROM article WHERE sku = :sku AND stock > :least", sku=request.name, least=0
    )
    return [f"{row['sku']} {row['stock']}" for row in rows]


async def values(_request: Any, context: Context) -> list[str]:
    """Send values of types that the gateway's connections have in their own way; return what differs."""
    sent = {
        "instant": datetime(2026, 11, 23, 14, 5, 6, 789, tzinfo=UTC),
        "local": datetime(1999, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - a timestamp without time zone
        "day": date(1970, 1, 1),
        "clock": time(23, 59, 59, 999_999),
        "span": timedelta(days=-3, seconds=7, microseconds=5),
        "document": {"a": [1, None, "é"]},
        "instants": [datetime(2000, 1, 1, tzinfo=UTC), None],
        "nothing": None,
    }
    (row,) = await context.rowgate.fetch(
        "SELECT :instant::timestamptz AS instant, :local::timestamp AS local, :day::date AS day, "
        ":clock::time AS clock, :span::interval AS span, :document::jsonb AS document, "
        ":instants::timestamptz[] AS instants, :nothing::date AS nothing",
        **sent,
    )
    return [name for name, value in sent.items() if row[name] != value]


async def raw_write(request: Any, context: Context) -> list[str]:
    """Write by SQL, fail then where that is asked for."""

    async def work(rowgate: Rowgate) -> list[str]:
        rows = await rowgate.fetch(
            "UPDATE article SET stock = stock - 1 WHERE sku = 'cola' RETURNING stock",
        )
        if request.name:
            raise ValueError(INSIDE)
        return [str(row["stock"]) for row in rows]

    return await context.rowgate.transact(work)


async def wrote(_request: Any, context: Context) -> list[str]:
    """Tell whether a transaction is known to have written, so that a lost COMMIT is asked about."""

    async def work(rowgate: Rowgate) -> list[str]:
        opened = rowgate._opened
        assert opened is not None
        known = [opened.transaction.wrote]
        await rowgate.fetch("UPDATE article SET stock = 3")
        return [str(one) for one in (*known, opened.transaction.wrote)]

    return await context.rowgate.transact(work)


async def orm(request: Any, context: Context) -> list[str]:
    """Read and write by SQLAlchemy."""
    article = context.rowgate.model(kiosk_pb2.Article)

    async def work(rowgate: Rowgate) -> list[str]:
        async with rowgate.session() as session:
            session.add(article(sku=request.name, stock=5, price_cents=1))
            await session.flush()
            cola = await session.get(article, "cola")
            cola.stock += 1
            await session.commit()
            cola.stock = 1000
            await session.rollback()
            found = await session.execute(select(article).where(article.stock > 0).order_by(article.sku))
            return [f"{one.sku} {one.stock}" for one in found.scalars()]

    return await context.rowgate.transact(work)


async def orm_twice(request: Any, context: Context) -> list[str]:
    """Write what is there already."""
    article = context.rowgate.model(kiosk_pb2.Article)

    async def work(rowgate: Rowgate) -> list[str]:
        async with rowgate.session() as session:
            session.add(article(sku=request.name, stock=5, price_cents=1))
        return []

    return await context.rowgate.transact(work)


async def orm_fails(_request: Any, context: Context) -> list[str]:
    """Undo what a session did, and go on in its transaction."""
    article = context.rowgate.model(kiosk_pb2.Article)

    async def work(rowgate: Rowgate) -> list[str]:
        try:
            async with rowgate.session() as session:
                (await session.get(article, "cola")).stock = 3
                await session.flush()
                await _create(rowgate, "nothing of this name")
        except RowgateError as error:
            rows = await rowgate.fetch("SELECT stock FROM article")
            return [error.reason, *(str(row["stock"]) for row in rows)]
        return []

    return await context.rowgate.transact(work)


async def orm_hidden(_request: Any, context: Context) -> list[str]:
    """Read a table whose rows aren't everybody's, past its policies where the caller is a keeper."""
    purchase = context.rowgate.model(kiosk_pb2.Purchase)
    rowgate = context.bypass_policies() if "keeper" in context.principal.roles else context.rowgate

    async def work(within: Rowgate) -> list[str]:
        async with within.session() as session:
            found = await session.execute(select(purchase).order_by(purchase.id))
            return [f"{one.buyer} {one.bought_at.tzinfo}" for one in found.scalars()]

    return await rowgate.transact(work)


async def orm_outside(_request: Any, context: Context) -> list[str]:
    """Open a session without a transaction."""
    async with context.rowgate.session():
        return []


_ACTS: dict[str, Act] = {
    one.__name__: one
    for one in (
        tell,
        get,
        get_all,
        count,
        restock,
        fail,
        refuse,
        partly,
        wait,
        leak,
        together,
        unknown,
        wrong,
        again,
        *(sql, sql_past, bound, values, raw_write, wrote),
        *(parts, leave, cancel),
        *(orm, orm_twice, orm_fails, orm_hidden, orm_outside),
    )
}
_ACTS["sleep"] = lambda *_: _forever()
_ACTS["none"] = lambda *_: _nothing()


class Purchases(kiosk_pb2_grpc.PurchaseServiceServicer):
    """Replaces one of the standard methods."""

    async def GetPurchase(self, request: Any, context: Context) -> Any:
        """Answer as the gateway does, and say that it wasn't it."""
        found = await context.rowgate.call("GetPurchase", request)
        found.sku = found.sku.upper()
        return found


@before(f"{PURCHASES}/CreatePurchase")
async def look(request: Any, context: Context) -> Any:
    """Refuse what is too much, and change what is odd."""
    if request.purchase.count == 13:
        raise FailedPrecondition(f"{context.principal.id} is superstitious", reason="UNLUCKY")
    if request.purchase.sku == "another":
        return kiosk_pb2.CreatePurchaseRequest(purchase=kiosk_pb2.Purchase(sku="cola", count=1))
    if request.purchase.note == TRIED:
        request.purchase.ClearField("note")
        request.validate_only = not request.validate_only
    if request.purchase.note == NAMED:
        request.purchase.ClearField("note")
        request.request_id = ONCE
    request.purchase.count = max(request.purchase.count, 1)
    return None


@after(f"{PURCHASES}/CreatePurchase")
async def take(request: Any, response: Any, context: Context) -> None:
    """Take what was bought out of the stock."""
    rowgate = context.bypass_policies()
    article = await rowgate.call("kiosk.v1.ArticleService/GetArticle", _article(response.sku))
    article.stock -= request.purchase.count
    await rowgate.call("kiosk.v1.ArticleService/UpdateArticle", _update(article))
    if request.purchase.count == 6:
        raise RuntimeError(INSIDE)


@after("kiosk.v1.ArticleService/ListArticles")
async def hear(_request: Any, response: Any, _context: Context) -> None:
    """Hear what is read."""
    ended.append(f"{len(response.articles)} articles")


@after(f"{PURCHASES}/DeletePurchasesByFilter")
async def forget(_request: Any, response: Any, context: Context) -> None:
    """Write, where purchases are deleted or might be."""
    await context.rowgate.fetch("UPDATE article SET stock = stock + :count", count=response.count)


@before("kiosk.v1.ArticleService/StreamArticles")
async def refuse_stream(_request: Any, context: Context) -> None:
    """Refuse a stream to some."""
    if "keeper" not in context.principal.roles:
        raise RowgateError("not for you", reason="NOT_FOR_YOU")


async def _create(rowgate: Rowgate, sku: str) -> Any:
    request = kiosk_pb2.CreatePurchaseRequest(purchase=kiosk_pb2.Purchase(sku=sku, count=1))
    return await rowgate.call(f"{PURCHASES}/CreatePurchase", request)


async def _forever() -> list[str]:
    waiting.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return []


async def _nothing() -> Any:
    return 1


def _article(sku: str) -> Any:
    return kiosk_pb2.GetArticleRequest(sku=sku)


def _update(article: Any) -> Any:
    return kiosk_pb2.UpdateArticleRequest(article=article, update_mask={"paths": ["stock"]})
