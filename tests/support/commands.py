"""Every command with its options: what scripts rely on, and what every table of commands has to hold."""

from __future__ import annotations

from typing import Final

EVERYWHERE: Final = frozenset({"--home", "--policy", "--json", "--quiet", "--help"})
CHANGING: Final = EVERYWHERE | {"--dry-run"}
WAITING: Final = CHANGING | {"--wait"}
COMMANDS: Final = {
    "cycle": WAITING | {"--proposals", "--log-json"},
    "risk-check": EVERYWHERE | {"--proposals", "--symbol", "--explain", "--what-if", "--snapshot"},
    "status": EVERYWHERE | {"--refusals", "--save", "--execution", "--since"},
    "purge": WAITING | {"--ttl", "--slice", "--all-ineligible", "--taker", "--rest", "--stop"},
    "dust-sweep": WAITING | {"--asset"},
    "rehearse": EVERYWHERE | {"--days", "--severity", "--seed", "--wishes"},
    "halt": CHANGING | {"--reason"},
    "reconcile-fills": WAITING | {"--since", "--symbol", "--record"},
    "rebuild-positions": WAITING | {"--from", "--since", "--apply"},
    "resume": WAITING,
    "init": CHANGING | {"--exchange", "--quote"},
    "doctor": EVERYWHERE,
    "policy check": EVERYWHERE | {"--equity"},
    "policy show": EVERYWHERE,
    "policy schema": EVERYWHERE,
    "state verify": EVERYWHERE,
    "state history": EVERYWHERE,
    "state restore": WAITING,
}


def called(command: str) -> str:
    """The command with what it can't do without."""
    return f"{command} PENGU" if command == "purge" else command
