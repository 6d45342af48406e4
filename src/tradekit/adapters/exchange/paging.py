"""Lists read to their end: never a part that looks like the whole, never for ever.

A page that is shorter than asked for doesn't end a list: only a page without anything new does, or the exchange's own
word that it was the last. A list that can't be read to its end fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed, Failure
from tradekit.adapters.exchange.guard import proves_emptiness
from tradekit.adapters.exchange.venues.venue import Paging, Params, Turn

_MOST_PAGES: Final = 1000
_MOST_WINDOWS: Final = 30

Item = dict[str, Any]


def read_list(
    connection: Connection, method: str, symbol: str | None, since: int | None, params: Params, paging: Paging, now: int
) -> list[Item]:
    """All items of a ccxt list method, each once. Raises `CallFailed`."""
    found: dict[str, Item] = {}
    if paging.turn is Turn.FROM_ID and since is not None and now - since > _MOST_WINDOWS * paging.window_ms:
        since, params = None, {**params, paging.param: 0}  # long ago: from the first one on
    for start, until in _windows(since, now, paging):
        fixed = {**params} if until is None else {**params, "until": until}
        for page in _pages(connection, method, symbol, start, fixed, paging, found):
            found.update(page)
        if paging.turn is Turn.FROM_ID and found:
            break  # from the first id on, ids lead to the end
    return list(found.values())


def _pages(
    connection: Connection,
    method: str,
    symbol: str | None,
    since: int | None,
    params: Mapping[str, object],
    paging: Paging,
    known: Mapping[str, Item],
) -> Iterator[dict[str, Item]]:
    """New items of each page. `known` grows between the pages, with what was yielded."""
    more: dict[str, object] = {}
    for number in range(1, _MOST_PAGES + 1):
        page = _page(connection, method, symbol, since, {**params, **more}, paging)
        fresh = {id: item for id, item in page.items() if id not in known}
        yield fresh
        if paging.turn is Turn.NONE:
            if paging.size and len(page) >= paging.size:
                raise CallFailed(_incomplete(method))
            return
        try:
            following = _next(connection, paging, page, fresh, {**known, **fresh}, number)
        except (ValueError, TypeError, KeyError):  # an id or a time of another form says of no next page where it is
            raise CallFailed(_incomplete(method)) from None
        if following is not None and following == more and not fresh:
            return
        if following is None:
            return
        if paging.turn is Turn.SINCE:
            since = int(str(following.pop("since")))
        elif paging.turn is Turn.FROM_ID:
            since = None
            params = {name: value for name, value in params.items() if name != "until"}
        more = following
    raise CallFailed(_incomplete(method))


def _page(
    connection: Connection,
    method: str,
    symbol: str | None,
    since: int | None,
    params: Mapping[str, object],
    paging: Paging,
) -> dict[str, Item]:
    items = connection.call(method, symbol, since, paging.size or None, dict(params))
    if not items and not connection.venue.shapes and not proves_emptiness(connection.answer):
        raise CallFailed(Failure((), f"{method}: an answer without a list", sent=True, whole=False))
    return {f"{item.get('symbol')} {item.get('id')}": item for item in items}


def _next(  # noqa: C901 - one case a way of paging, nothing nested
    connection: Connection,
    paging: Paging,
    page: Mapping[str, Item],
    fresh: Mapping[str, Item],
    found: Mapping[str, Item],
    number: int,
) -> dict[str, object] | None:
    """The fields that ask for the next page; None at the end."""
    match paging.turn:
        case Turn.CURSOR:
            cursor = _at(connection.answer, paging.at)
            return {paging.param: cursor} if page and cursor not in (None, "", 0, "0") else None
        case Turn.OFFSET if paging.count_at:
            count = _at(connection.answer, paging.count_at)
            if not isinstance(count, int):
                return {paging.param: len(found)} if fresh else None
            if len(found) < count and not fresh:
                raise CallFailed(_incomplete("a list"))
            return {paging.param: len(found)} if len(found) < count else None
        case Turn.OFFSET:
            return {paging.param: len(found)} if fresh else None
        case Turn.PAGE:
            return {paging.param: number + 1} if fresh else None
        case Turn.FROM_ID:
            return {paging.param: max(int(item["id"]) for item in page.values()) + 1} if fresh else None
        case Turn.BEFORE_ID:
            oldest = min(page.values(), key=lambda item: item.get("timestamp") or 0, default=None)
            return {paging.param: _raw_id(oldest, paging)} if fresh and oldest is not None else None
        case Turn.UNTIL | Turn.SINCE:
            if paging.size and len(page) >= paging.size and not fresh:
                raise CallFailed(_incomplete("a list"))
            times = [item.get("timestamp") or 0 for item in page.values()]
            if not fresh:
                return None
            return {paging.param: min(times) + 1} if paging.turn is Turn.UNTIL else {"since": max(times)}
        case Turn.NONE:
            return None


def _windows(since: int | None, now: int, paging: Paging) -> Iterator[tuple[int | None, int | None]]:
    """Each begins where the one before it ends: to some exchanges the end belongs to the span, to others it doesn't."""
    if since is None or not paging.window_ms or now - since <= paging.window_ms:
        yield since, None
        return
    start = since
    while start < now:
        until = start + paging.window_ms - 1
        yield start, min(until, now)
        start = until


def _raw_id(item: Item, paging: Paging) -> object:
    """Where `at` names a field of the raw item, its value; else the id that ccxt made of it."""
    return _at(item["info"], paging.at) if paging.at else item["id"]


def _at(answer: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _incomplete(method: str) -> Failure:
    return Failure((), f"{method}: a list that can't be read to its end", sent=True, whole=False)
