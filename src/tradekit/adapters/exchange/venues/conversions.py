"""How one exchange converts, as data. Only where what became of a conversion can be asked by the id of its quote.

Must never name a request that would convert without a quote of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Ask(NamedTuple):
    """One request: the implicit ccxt method and its fields, and where its raw answer holds what is asked for.

    In a field `{asset}`, `{quote}`, `{amount}` and `{quote_id}` stand for those of the conversion, `{since}` for a
    minute before it, `{until}` for when the last word on it is due, `{page}` for the number of a page of a list.
    """

    method: str
    fields: Mapping[str, str]
    at: tuple[str, ...] = ()

    def filled_in(self, **values: str) -> dict[str, str]:
        """The fields of one request."""
        return {name: text.format_map(values) for name, text in self.fields.items()}


class Conversions(NamedTuple):
    """`offer` asks for a promise, `take` takes it, `look` asks what became of it, `history` lists conversions of that
    time, the newest first where it `has_pages` of at most `page` each.

    The names of raw fields: `quote_id` in an offer, `own_id` in an entry of the history (it tells the quote's id too),
    `given` and `received` the two amounts, `source` and `target` the two assets, `expires` and `made` times in
    milliseconds, `status` how it stands, `exchange_id` the exchange's own id. Of the words under `status` the `done`
    ones are carried out, the `failed` ones never will be, the `pending` ones were taken; the `not_taken` ones and all
    others prove nothing.
    """

    offer: Ask
    take: Ask
    look: Ask
    history: Ask
    page: int
    quote_id: str
    own_id: str
    given: str
    received: str
    source: str
    target: str
    expires: str
    made: str
    status: str
    exchange_id: str
    done: frozenset[str]
    failed: frozenset[str]
    pending: frozenset[str]
    not_taken: frozenset[str] = frozenset()

    @property
    def has_pages(self) -> bool:
        """Whether the list of conversions can be read on."""
        return any("{page}" in text for text in self.history.fields.values())
