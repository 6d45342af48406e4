"""Seeds that are played in every run of the tests, and why. A bug that was found keeps its seed here for good.

A seed tells the same story only as long as nothing draws differently: whoever changes what is drawn looks for the
bug again, with the mutant that plants it, and notes the new seed.
"""

from __future__ import annotations

from typing import Final

NAMED: Final[dict[int, str]] = {
    1757: "a restore built on lines that a killed run had not synced, and a power cut took them (`restore_unsynced`)",
    5634: "the same, with two files between",
    3374: "purchases are listed after the sale that came later, with a change of what is managed in between",
}
