"""The files of one account as one `Store`: the order of writes that makes every crash harmless.

Nothing here repairs damage on its own except the one thing that a crash leaves behind: an unfinished last write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tradekit.adapters.store.disk import Disk
from tradekit.adapters.store.disk_errors import disk_errors, storage_fault
from tradekit.adapters.store.journal import Tail
from tradekit.adapters.store.mending import MendableJournal
from tradekit.adapters.store.record_line import START, Line, Position
from tradekit.adapters.store.snapshot import Generations, Saved, parse, render
from tradekit.domain.account import Stamp
from tradekit.domain.errors import BadInput, NeedsHuman, Problem
from tradekit.domain.event import Event, Record
from tradekit.domain.ports import Generation, Loaded
from tradekit.domain.state import State

HALT: Final = "HALT"
SEGMENT_BYTES: Final = 4 * 2**20
BALLAST_BYTES: Final = 2**20
RESERVE_BYTES: Final = 2 * 2**20


class Checked(NamedTuple):
    """What `state verify` found to be whole."""

    records: int
    generations: int
    unfinished_bytes: int


class AccountStore:
    """The store in `folder`, the folder of one account and mode. `home` may hold a kill switch for all accounts.

    `may_write` says that the lock is held; without it nothing is cut, cleaned or written. Files that were begun with
    one of the `former_keys` (fingerprints) are this account's too.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        stamp: Stamp,
        *,
        may_write: bool,
        former_keys: Collection[str] = (),
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._stamp = stamp
        self._former_keys = former_keys
        self._may_write = may_write
        self._journal = MendableJournal(disk, folder / "journal", segment_bytes)
        self._generations = Generations(disk, folder / "generations")
        self._saved: Saved | None = None
        self._end = START
        self._failed = False

    @property
    def state_path(self) -> Path:
        """Where the newest state lies."""
        return self._folder / "state.json"

    def is_opened(self) -> bool:
        """Whether anything was ever written down for this account."""
        return self._disk.size(self.state_path) is not None or self._journal.exists

    def load(self) -> Loaded:
        """See `Store.load`. Cuts an unfinished write and leftover temporary files when it may write."""
        with disk_errors(self._folder):
            if self._may_write:
                self._clean_up()
            saved = self._read_state()
            if saved is None:
                return Loaded(None, ())
            tail = self._journal.tail(saved.position)
            if tail.torn and self._may_write:
                self._journal.cut(tail.end)
            if self._may_write:
                self._journal.make_durable()
                self._disk.sync(self._folder)
            self._saved, self._end = saved, tail.end
            return Loaded(saved.state, tuple(line.record for line in tail.lines))

    def create(self, state: State) -> None:
        """See `Store.create`."""
        with disk_errors(self._folder):
            self._write_state(Saved(state, START))
            for folder in self._folder.parents[:2]:
                self._disk.sync(folder)  # a run that was killed may have made them

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """See `Store.append`. After a write that failed nothing is written any more: what it left behind is unknown."""
        if self._failed:
            raise self._fault("write_failed", f"an earlier write to the journal of {self._folder} failed")
        with disk_errors(self._folder):
            self._make_room(reduces_risk=reduces_risk)
            self._disk.make_folder(self._folder / "journal")
            self._failed = True
            try:
                records, self._end = self._journal.append(events, time, self._end)
            except OSError as error:
                raise self._fault("write_failed", f"{error.filename or self._folder}: {error.strerror}") from None
            self._failed = False
            return records

    def save(self, state: State) -> None:
        """See `Store.save`. A state that is saved already isn't written again."""
        if self._saved is not None and self._saved.state is state and self._saved.position == self._end:
            return
        with disk_errors(self._folder):
            if self._saved is not None and self._saved.state.is_opened:
                self._generations.keep(self.state_path, self._saved)
            self._write_state(Saved(state, self._end))

    def is_halted(self) -> bool:
        """Whether this account or the whole home is halted."""
        home = self._folder.parent.parent
        with disk_errors(self._folder):
            return self._disk.size(self._folder / HALT) is not None or self._disk.size(home / HALT) is not None

    def verify(self) -> Checked:
        """Reads the state, every journal record and every generation. Raises `NeedsHuman` at the first fault."""
        with disk_errors(self._folder):
            saved = self._read_state()
            if saved is None:
                return Checked(0, 0, 0)
            records = sum(1 for _ in self._journal.stream())
            for generation in self._generations.all():
                path = self._generations.path(generation.name)
                parse(self._disk.read(path), path)
            tail: Tail = self._journal.tail(saved.position)
            return Checked(records, len(self._generations.all()), tail.torn)

    def generations(self) -> tuple[Generation, ...]:
        """See `StateHistory.generations`."""
        with disk_errors(self._folder):
            return self._generations.all()

    def old_state(self, name: str) -> State:
        """See `StateHistory.old_state`."""
        if name not in {item.name for item in self.generations()}:
            fix = "`tradekit state history` lists them"
            raise BadInput(Problem("generation_unknown", f"there is no older state named {name}", fix))
        path = self._generations.path(name)
        with disk_errors(self._folder):
            return parse(self._disk.read(path), path).state

    def set_aside_damage(self) -> tuple[str, ...]:
        """See `StateHistory.set_aside_damage`. Names end in `.damaged` and a number."""
        with disk_errors(self._folder):
            suffix = self._free_suffix()
            moved = self._rescue(suffix) or self._journal.set_aside(self._journal.whole_end(), suffix)
            states = [self._generations.path(item.name) for item in self._generations.all()]
            if self._disk.size(self.state_path) is not None:
                states.append(self.state_path)
            for path in states:
                if self._whole(path) is None:
                    self._disk.link(path, path.with_name(path.name + suffix))
                    self._disk.remove(path)
                    moved.append(path.name + suffix)
            return tuple(moved)

    def intents_set_aside(self) -> Sequence[Record]:
        """See `StateHistory.intents_set_aside`."""
        with disk_errors(self._folder):
            names = self._disk.names(self._folder / "journal")
            return self._journal.intents_in([name for name in names if ".jsonl.damaged" in name])

    def load_newest_whole(self) -> Loaded:
        """See `StateHistory.load_newest_whole`."""
        with disk_errors(self._folder):
            saved = self._newest_whole()
            if saved is None:
                raise self._fault("nothing_to_restore", f"no whole state is left under {self._folder}")
            self._saved = self._whole(self.state_path)
            self._disk.make_folder(self._folder / "journal")
            if saved.position.seq > self._journal.whole_end().seq:
                place, _ = self._journal.begin_anew(saved.position, self._free_suffix())
                saved = saved._replace(position=place)
            tail = self._journal.tail(saved.position)
            if tail.torn:
                self._journal.cut(tail.end)
            self._journal.make_durable()  # a run that was killed may have left lines that a power cut would still take
            self._end = tail.end
            return Loaded(saved.state, tuple(line.record for line in tail.lines))

    def history(self) -> Iterator[Record]:
        """See `Store.history`."""
        with disk_errors(self._folder):
            for line in self._journal.stream():
                yield line.record

    def lines(self, after: Position = START) -> Iterator[Line]:
        """The journal from its first event or from a position on, a file at a time."""
        return self._journal.stream(after)

    def _read_state(self) -> Saved | None:
        if self._disk.size(self.state_path) is None:
            if self._journal.exists or self._generations.all():
                raise self._fault("state_missing", f"{self.state_path} is missing, though there was one")
            return None
        saved = parse(self._disk.read(self.state_path), self.state_path)
        if not self._stamp.covers(saved.state.stamp, self._former_keys):
            ours, theirs = _describe(self._stamp), _describe(saved.state.stamp)
            raise self._fault("state_of_other_account", f"{self.state_path} belongs to {theirs}, not to {ours}")
        return saved

    def _write_state(self, saved: Saved) -> None:
        data = render(saved.state, saved.position)
        if parse(data, self.state_path) != saved:  # nothing is written that the next run could not read
            raise ValueError("this state does not survive its file")
        self._disk.replace(self.state_path, data)
        self._saved = saved

    def _make_room(self, *, reduces_risk: bool) -> None:
        """Opening new risk needs a disk with room to spare; what reduces risk may use up the ballast."""
        ballast = self._folder / "ballast"
        missing = BALLAST_BYTES - min(self._disk.size(ballast) or 0, BALLAST_BYTES)
        if self._disk.free_bytes(self._folder) >= RESERVE_BYTES + missing:
            if missing:
                self._disk.reserve(ballast, BALLAST_BYTES)
        elif reduces_risk:
            self._disk.remove(ballast)
        else:
            raise self._fault("disk_full", f"less than {RESERVE_BYTES // 2**20} MiB are free under {self._folder}")

    def _whole(self, path: Path) -> Saved | None:
        """The state of this account in a file, or None when the file is not whole. A newer one is not damaged."""
        try:
            saved = parse(self._disk.read(path), path)
        except FileNotFoundError:
            return None
        except NeedsHuman as fault:
            if fault.problems[0].code == "state_newer":
                raise
            return None
        return saved if self._stamp.covers(saved.state.stamp, self._former_keys) else None

    def _newest_whole(self) -> Saved | None:
        paths = [self.state_path, *(self._generations.path(item.name) for item in reversed(self.generations()))]
        whole = (saved for path in paths if (saved := self._whole(path)) is not None)
        return max(whole, key=lambda item: item.state.seq, default=None)

    def _rescue(self, suffix: str) -> list[str]:
        """Keeps the events after the newest state where the journal is damaged only before it."""
        saved = self._newest_whole()
        if saved is None or saved.position.seq <= self._journal.whole_end().seq:
            return []
        try:
            return self._journal.rescue(saved.position, suffix)
        except NeedsHuman:
            return []

    def _free_suffix(self) -> str:
        folders = (self._folder, self._folder / "journal", self._folder / "generations")
        taken = {name.rpartition(".damaged")[2] for folder in folders for name in self._disk.names(folder)}
        return f".damaged{next(number for number in range(1, 10_000) if str(number) not in taken)}"

    def _clean_up(self) -> None:
        for folder in (self._folder, self._folder / "journal"):
            for name in self._disk.names(folder):
                if name.startswith(".") and name.endswith(".tmp"):
                    self._disk.remove(folder / name)

    def _fault(self, code: str, what: str) -> NeedsHuman:
        return NeedsHuman(Problem(code, what, _FIXES[code]))


_FIXES: Final = {
    "state_missing": "`tradekit state history` lists older states, `tradekit state restore` takes one",
    "state_of_other_account": "give each its own home or account.name; a key that was replaced: exchange.former_keys",
    "nothing_to_restore": "put a backup of the folder in its place",
    "write_failed": "check the disk; the next run reads it afresh and looks up what was sent",
    "disk_full": "free some space; until then only orders that reduce risk go out",
}


def open_folder(disk: Disk, folder: Path) -> None:
    """Makes the account's folder, or checks that nobody else can write into the one that is there."""
    try:
        disk.make_folder(folder)
        found = os.stat(folder)
    except OSError as error:
        raise storage_fault(folder, error) from None
    if found.st_uid != os.geteuid():
        raise NeedsHuman(Problem("home_not_ours", f"{folder} belongs to another user", "run as the user who owns it"))
    if stat.S_IMODE(found.st_mode) & 0o077:
        from shlex import quote

        fix = f"chmod 700 {quote(str(folder))}"
        raise NeedsHuman(Problem("home_insecure", f"{folder} is open to other users", fix))


def _describe(stamp: Stamp) -> str:
    key = f", key {stamp.key_fingerprint}" if stamp.key_fingerprint else ""
    return f"{stamp.account} ({stamp.mode}) on {stamp.exchange} in {stamp.quote}{key}"
