"""Mending a journal: finding where it is whole, and setting damaged files aside under another name.

Only `state restore` does this, never a cycle. Whatever is set aside stays on the disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from tradekit.adapters.store.journal import Journal
from tradekit.adapters.store.record_line import START, Position, header, lone_record
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.event import ConversionIntended, OrderIntended, Record


class MendableJournal(Journal):
    """A journal that can be cut back to what is whole."""

    def whole_end(self) -> Position:
        """Where the good part ends, counted from the first record. Raises `NeedsHuman` for a newer journal."""
        place = START
        try:
            for number in self._segments():
                place = self._enter(number, place)
                content = self._disk.read(self._path(number))
                _, place = self._parse(content[place.offset :], place)
                if place.offset < len(content):
                    break
        except NeedsHuman as fault:
            if fault.problems[0].code == "journal_newer":
                raise
        return place

    def set_aside(self, end: Position, suffix: str) -> list[str]:
        """Renames the files that are not whole up to `end` and writes back what is whole of the one that holds it."""
        moved = []
        for number in self._segments():
            path = self._path(number)
            if number < end.segment or (number == end.segment and self._disk.size(path) == end.offset):
                continue
            whole = self._disk.read(path)[: end.offset] if number == end.segment else b""
            moved.append(self._rename(number, suffix))
            if whole:
                self._disk.replace(path, whole)
        return moved

    def intents_in(self, names: Sequence[str]) -> list[Record]:
        """Intents whose line is whole, in files that were set aside; what the lines around them are doesn't matter."""
        found = []
        for name in names:
            for raw in self._disk.read(self._folder / name).splitlines(keepends=True):
                record = lone_record(raw)
                if record is not None and isinstance(record.event, OrderIntended | ConversionIntended):
                    found.append(record)
        return found

    def rescue(self, after: Position, suffix: str) -> list[str]:
        """Begins anew after a state whose own past is damaged, with the whole events since. Raises `NeedsHuman`."""
        numbers = self._segments()
        last = self._enter(numbers[-1], START) if numbers else START
        if (last.seq, last.hash) != (after.seq, after.hash):  # else a rescue was cut short, or the file begins here
            end, rest = self.tail(after).end, b""
            for number in (number for number in numbers if number >= after.segment):
                whole = self._disk.read(self._path(number))[: end.offset if number == end.segment else None]
                rest += whole[after.offset :] if number == after.segment else whole.partition(b"\n")[2]
            numbers.append(end.segment + 1)
            self._disk.replace(self._path(numbers[-1]), header(after.seq, after.hash) + rest)
        return [self._rename(number, suffix) for number in numbers[:-1]]

    def begin_anew(self, after: Position, suffix: str) -> tuple[Position, list[str]]:
        """Starts a new journal after a state that is ahead of the old one; the old files get another name."""
        moved = self.set_aside(START, suffix)
        return self._begin_segment(after), moved

    def _rename(self, number: int, suffix: str) -> str:
        path = self._path(number)
        self._disk.link(path, path.with_name(path.name + suffix))
        self._disk.remove(path)
        return path.name + suffix
