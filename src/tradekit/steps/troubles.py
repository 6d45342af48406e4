"""What a person should know of orders that did not come to a clean end."""

from __future__ import annotations

from collections.abc import Iterable

from tradekit.decide.conversion import ConversionResult, Fate
from tradekit.decide.proof import ProofRow, stops_opens
from tradekit.domain.conversion import Conversion
from tradekit.domain.errors import ExitCode, Problem
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import plain
from tradekit.domain.order import Closed, Closing, FinalWord, Open, Order
from tradekit.domain.outcome import RejectCode
from tradekit.steps.desk import Desk


def unsettled(desk: Desk, ids: Iterable[ClientOrderId], *, unwanted: bool = False) -> list[Problem]:
    """One problem for each of these orders that should be final and isn't: its time is over, it was canceled, or a
    person has it that they are `unwanted`.

    And one for each conversion whose end is open though its offer has run out.
    """
    now, stopped = desk.clock.now(), desk.clock.must_stop()
    orders = (desk.state.orders[id] for id in ids if id in desk.state.orders)
    # a sale that rests and whose time ran out a moment ago is no trouble: nobody has asked to cancel it yet
    ends = stopped or unwanted
    late = (o for o in orders if (o.deadline <= now and not isinstance(o.state, Open)) or o.is_canceling or ends)
    found = [_unsettled(order) for order in late if not isinstance(order.state, Closed)]
    # an offer that can still be taken may be on its way
    return found + [_unsure(item) for item in desk.state.conversions.values() if item.intent.offer.expires <= now]


def exit_code_of(problems: Iterable[Problem]) -> ExitCode:
    """The exit code that problems alone ask for."""
    codes = {problem.code for problem in problems}
    if codes & {"books_mismatch", "disk_full", "held"}:
        return ExitCode.NEEDS_HUMAN
    if "unreachable" in codes:
        return ExitCode.UNREACHABLE
    return ExitCode.PARTLY_DONE if codes else ExitCode.DONE


def doubts(desk: Desk, differences: Iterable[ProofRow]) -> list[Problem]:
    """One problem for each hold, for each balance too far from the books, and for books of another cost method."""
    state = desk.state
    held = [
        Problem("held", f"{hold.symbol or 'all symbols'}: {hold.code}: {hold.text}", _RESUME)
        for hold in state.holds
        if not hold.lifted
    ]
    if desk.policy.books.cost_method != state.books.method:
        what = f"books.cost_method is {desk.policy.books.cost_method}, and the books are kept by {state.books.method}"
        held.append(Problem("cost_method_differs", what, "`tradekit rebuild-positions --apply` changes them"))
    return [*held, *(describe_rest(row, state.stamp.quote) for row in differences if row.doubtful)]


def refused_by_exchange(orders: Iterable[Order]) -> list[Problem]:
    """One problem for each order that the exchange rejected for more than the price having moved."""
    return [
        Problem("order_rejected", f"{order.intent.symbol}: the exchange refused the order: {order.state.detail}", _LOOK)
        for order in orders
        if isinstance(order.state, Closed)
        and order.state.word is FinalWord.REJECTED
        and order.state.detail != RejectCode.POST_ONLY_WOULD_CROSS
    ]


_RESUME = "nothing is opened there; look at it, then `tradekit resume`"
_LOOK = "docs/problems.md says what each reason means"


def describe_rest(row: ProofRow, quote: str) -> Problem:
    """What a person should know of a balance that is not what the books say."""
    what = f"{row.asset}: the exchange says {row.exchange:f}, the books say {row.books:f}"
    fix = f"perhaps {row.causes[0]}; `tradekit reconcile-fills --record {row.asset}` books it as a transfer"
    if not stops_opens(row, quote):
        return Problem("cash_surplus", f"{what}: more than expected", fix)
    return Problem("books_mismatch", f"{what}; nothing is opened with it", fix)


def not_recorded(asset: str) -> Problem:
    """A person wants a difference booked as a transfer, and an order, a conversion or a trade may explain it."""
    why = "what isn't over or traded a moment ago may explain the difference"
    fix = "ask again in a minute, and once `tradekit status` lists no order and no conversion of it"
    return Problem("not_recorded", f"{asset}: not booked as a transfer: {why}", fix)


def unconverted(results: Iterable[ConversionResult]) -> list[Problem]:
    """One problem for each conversion that came to nothing."""
    return [
        Problem("conversion_failed", f"{item.asset}: nothing was converted ({item.fate}): {item.text}", _LOOK)
        for item in results
        if item.fate not in (Fate.CONVERTED, Fate.OPEN)
    ]


def _unsure(item: Conversion) -> Problem:
    offer = item.intent.offer
    what = f"nobody knows what became of the conversion of {plain(offer.amount)} {offer.asset} (quote {offer.quote_id})"
    return Problem("conversion_unsettled", what, "the next run looks for it first; until then the asset is left alone")


def _unsettled(order: Order) -> Problem:
    if isinstance(order.state, Closing):
        said = f"{order.state.reported_filled:f} of {order.intent.symbol} filled"
        what = f"order {order.id}: the exchange says {said}, its trades add up to {order.filled:f}"
        return Problem("trades_missing", what, "the next run asks for them again")
    if order.is_unanswered:
        what = f"nobody knows whether order {order.id} of {order.intent.symbol} was placed"
        return Problem("order_unanswered", what, "the next run looks for it first")
    what = f"order {order.id} of {order.intent.symbol} may still be open: its cancel has no answer"
    return Problem("cancel_unanswered", what, "the next run asks again first")
