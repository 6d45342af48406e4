"""The small files that may be deleted at any time: whole or not at all, no trouble for a run, nothing left lying."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradekit.adapters.exchange.cache_file import read_cache, write_cache


def test_what_a_killed_writer_left_behind_goes_away_with_the_next_write(tmp_path: Path) -> None:
    path, other = tmp_path / "names.json", tmp_path / ".other.json.00ff"
    other.touch()
    (tmp_path / ".names.json.0123456789ab").write_text("{")
    write_cache(path, {"a": "b"})
    assert {found.name for found in tmp_path.iterdir()} == {path.name, other.name}
    assert read_cache(path) == {"a": "b"}


@pytest.mark.parametrize("broken", [("replace",), ("open",), ("replace", "unlink")])
def test_a_disk_that_refuses_stops_nobody(
    broken: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise OSError(5, "Input/output error")

    path = tmp_path / "names.json"
    write_cache(path, 1)
    for name in broken:
        monkeypatch.setattr(os, name, refuse)
    write_cache(path, 2)
    monkeypatch.undo()
    assert read_cache(path) == 1
    assert path.exists()


@pytest.mark.parametrize("name", ["open", "fdopen"])
def test_a_disk_that_does_not_let_it_be_read_is_as_good_as_no_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise OSError(5, "Input/output error")

    path = tmp_path / "names.json"
    write_cache(path, 1)
    monkeypatch.setattr(os, name, refuse)
    assert read_cache(path) is None
