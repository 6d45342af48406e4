"""Where there is no room beside the home: what a run does not need must not stop it, what it needs is told."""

from __future__ import annotations

import fcntl
import os
import tempfile
from errno import ENOLCK, ENOSPC
from pathlib import Path

import pytest

from live_home import LiveHome
from tradekit.adapters.exchange.markets import MarketBook
from tradekit.adapters.skips import count_skip
from tradekit.adapters.store.lock import AccountLock
from tradekit.domain.errors import NeedsHuman


def refuse(*words: object, **more: object) -> None:
    raise OSError(ENOSPC, "No space left on device")


def test_no_room_for_temporary_files_stops_no_cycle_and_every_dry_run(
    binance: LiveHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert binance("cycle --json").code == 0
    tried = binance("cycle --json --dry-run")
    assert (tried.code, tried.problems) == (12, ["disk_full"])


def test_a_lock_that_the_system_cannot_give_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*words: object) -> None:
        raise OSError(ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(NeedsHuman) as refused, AccountLock(tmp_path / "state.lock", 0):
        pytest.fail("locked")
    assert refused.value.problems[0].code == "disk_error"


def test_a_skip_that_cannot_be_noted_is_one_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", refuse)
    assert count_skip(tmp_path) == 1


def test_markets_that_cannot_be_forgotten_cost_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = MarketBook(tmp_path / "markets.json", "here", "USDT", 1)
    monkeypatch.setattr(os, "unlink", refuse)
    book.forget()
