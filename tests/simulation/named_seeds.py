"""Seeds that are played in every run of the tests, and why. A bug that was found keeps its seed here for good.

A seed tells the same story only as long as nothing draws differently: whoever changes what is drawn looks for the
bug again, with the mutant that plants it, and notes the new seed.
"""

from __future__ import annotations

from typing import Final

NAMED: Final[dict[int, str]] = {
    1335: "a restore built on lines that a killed run had not synced, and a power cut took them (`restore_unsynced`)",
    244: "an order was tried again while another one of its symbol had no answer (`retried_in_doubt`)",
    205449: "more came in while a sale was tried again, and its next attempt left too little to be sold",
    2192: "older books were taken, and a conversion since then is in no list (`conversion_not_restored`)",
    2099951: "a conversion moved the time that trades are asked from, past one that was listed an hour late",
    1018362: "balances from a few seconds before a sale made a deposit of what it had sold",
    101514: "trades that are told of and cut from the one list of an hour are missed, and a person is told so",
}
