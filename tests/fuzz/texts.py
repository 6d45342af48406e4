"""What every reader of a file makes of any bytes: something that it stands by, or a problem that the docs know.

Each target takes bytes and returns whether they were read. Anything but a documented problem comes out as it is.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.input_file import decode_text
from tradekit.adapters.policy_file import parse_policy
from tradekit.adapters.policy_text import render_policy
from tradekit.adapters.proposals_file import parse_proposals
from tradekit.adapters.snapshot_file import load_snapshot
from tradekit.adapters.store import record_line, snapshot
from tradekit.adapters.store.record_line import BadLine, Position, lone_record, parse_line
from tradekit.domain.errors import BadInput, NeedsHuman, TradekitError

PROBLEMS: Final = (Path(__file__).parents[2] / "docs" / "problems.md").read_text()
_SCRATCH: Final = tempfile.TemporaryDirectory(prefix="tradekit-fuzz-")
_FILE: Final = Path(_SCRATCH.name) / "in"


def check_told(error: TradekitError) -> None:
    """A problem is documented, short and can be printed anywhere."""
    assert 0 < len(error.problems) <= 20
    for problem in error.problems:
        assert f"| `{problem.code}` |" in PROBLEMS, problem.code
        assert problem.message.isprintable() and len(problem.message) < 1000, problem.message[:200]


def policy(data: bytes) -> bool:
    """`policy.toml`."""
    try:
        read = parse_policy(decode_text(data, "policy.toml"), "policy.toml")
    except BadInput as error:
        check_told(error)
        return False
    assert parse_policy(render_policy(read), "again") == read
    return True


def proposals(data: bytes) -> bool:
    """A proposals file, or what a program printed."""
    try:
        read = parse_proposals(decode_text(data, "ideas.json"), "ideas.json")
    except BadInput as error:
        check_told(error)
        return False
    assert all(proposal.size.value > 0 for proposal in read)
    return True


def fills(data: bytes) -> bool:
    """A file of trades."""
    _FILE.write_bytes(data)
    try:
        rows = list(read_trades(str(_FILE)))
    except BadInput as error:
        check_told(error)
        return False
    assert rows, "a file without a trade is refused"
    return True


def look(data: bytes) -> bool:
    """What `status --save` wrote."""
    _FILE.write_bytes(data)
    _FILE.chmod(0o600)
    try:
        load_snapshot(_FILE)
    except BadInput as error:
        check_told(error)
        return False
    return True


def state(data: bytes) -> bool:
    """`state.json` as it lies there, and with a checksum that fits, as a program would write it."""
    read = False
    for whole in (data, snapshot._sealed(data) + data):
        try:
            saved = snapshot.parse(whole, Path("state.json"))
        except NeedsHuman as error:
            check_told(error)
            continue
        assert snapshot.parse(snapshot.render(*saved), Path("again")) == saved
        read = True
    return read


def journal(data: bytes) -> bool:
    """A line of the journal as it lies there, and with a hash that fits."""
    covered = data.removesuffix(b"\n").removesuffix(b"}")
    hash_ = hashlib.sha256(covered).hexdigest().encode()
    read = False
    for line in (data, covered + record_line._HASH_MARK + hash_ + b'"}\n'):
        record_line.is_unfinished_write(line, 1)
        read = lone_record(line) is not None or read
        with suppress(BadLine):
            parse_line(line, Position(0, 0, 0, ""))
    return read


TARGETS: Final[dict[str, Callable[[bytes], bool]]] = {
    "policy": policy,
    "proposals": proposals,
    "fills": fills,
    "snapshot": look,
    "state": state,
    "journal": journal,
}
