"""`tradekit state`: what is whole is said, what is older is listed, and a restore takes back books but no order."""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

import pytest

from command_line import CommandLine, buy, marks, sell
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.snapshot import parse, render


@pytest.fixture
def account(tradekit: CommandLine) -> CommandLine:
    """An account with three cycles behind it, the second of which sold."""
    tradekit("cycle")
    tradekit.policy("[exits]\nstop_loss_pct = 0.0001\n")
    assert any(order["filled"] != "0" for order in tradekit("cycle --json").data["orders"])
    tradekit.policy("[exits]\nstop_loss_pct = 0\n")
    tradekit(f"cycle --proposals {tradekit.proposals(buy('b1'), sell('s1', 'BTC/USDT', '0.001'))}")
    return tradekit


def names(tradekit: CommandLine) -> list[str]:
    return [item["name"] for item in tradekit("state history --json").data["generations"]]


def oldest(tradekit: CommandLine) -> str:
    """The state after the first cycle."""
    found: str = next(item["name"] for item in tradekit("state history --json").data["generations"] if item["seq"])
    return found


def test_verify_counts_what_it_read(account: CommandLine) -> None:
    found = account("state verify --json").data
    lines = sum(path.read_bytes().count(b"\n") - 1 for path in (account.folder / "journal").iterdir())
    assert found == {
        "records": lines, "generations": len(names(account)), "unfinished_bytes": 0, "refolded_since": 0,
    }  # fmt: skip
    assert account("state verify").out == (
        f"Whole: {lines} journal records, the state made from them, {found['generations']} older states.\n"
        "Folded again from the journal, all of it gives the same state.\n"
    )


def test_history_lists_the_older_states(account: CommandLine) -> None:
    listed = account("state history --json").data["generations"]
    assert [item["seq"] for item in listed] == sorted(item["seq"] for item in listed)
    assert {item["name"] for item in listed} == {path.name for path in (account.folder / "generations").iterdir()}
    for item in listed:
        assert item["size"] == (account.folder / "generations" / item["name"]).stat().st_size
        assert item["name"] in account("state history").out


def test_a_restore_of_a_whole_account_changes_no_number(account: CommandLine) -> None:
    before = account("status --json").data
    ran = account("state restore --json")
    assert (ran.code, ran.data["set_aside"], ran.data["books_of"]) == (0, [], None)
    assert account("status --json").data == before
    assert account("cycle").code == 0


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_state_is_set_aside_and_made_again(account: CommandLine, damage: bytes | None) -> None:
    before = account("status --json").data
    path = account.folder / "state.json"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    untouched = marks(account.home)
    assert account("state restore --dry-run").code == 0
    assert marks(account.home) == untouched
    ran = account("state restore --json")
    assert ran.code == 0
    assert ran.data["set_aside"] == ([] if damage is None else ["state.json.damaged1"])
    assert ran.data["replayed"] > 0
    if damage is not None:
        assert (account.folder / "state.json.damaged1").read_bytes() == damage
    assert account("status --json").data == before
    assert account("state verify").code == 0
    ran = account("cycle --json")
    assert (ran.code, ran.data["differences"]) == (0, [])


def test_a_journal_damaged_in_the_middle_goes_on_from_the_newest_state(account: CommandLine) -> None:
    before = account("status --json").data
    path = account.folder / "journal" / "000001.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    assert account("state verify").code == 12
    ran = account("state restore --json")
    assert ran.code == 0
    assert ran.data["set_aside"]
    assert account("state verify").code == 0
    assert account("status --json").data["positions"] == before["positions"]
    assert account("cycle").code == 0


def test_older_books_are_taken_on_request_and_later_fills_are_booked_again(account: CommandLine) -> None:
    before = account("status --json").data
    name = oldest(account)
    untouched = marks(account.home)
    rehearsed = account(f"state restore --dry-run {name}")
    assert rehearsed.code == 0 and "nothing was changed" in rehearsed.out
    assert f"The books of {name} are in force" in rehearsed.out
    assert marks(account.home) == untouched
    ran = account(f"state restore --json {name}")
    assert (ran.code, ran.data["books_of"]) == (0, name)
    older = account("status --json").data
    assert Decimal(older["cash"]) < Decimal(before["cash"]), "the sale is not in the older books"
    cycle = account("cycle --json")
    assert (cycle.code, cycle.data["differences"]) == (0, [])
    after = account("status --json").data
    assert [(p["asset"], p["quantity"]) for p in after["positions"]] == [
        (p["asset"], p["quantity"]) for p in before["positions"]
    ]
    assert after["cash"] == before["cash"]


def test_a_restore_does_not_take_back_what_was_sent(account: CommandLine) -> None:
    name = oldest(account)
    assert account(f"state restore {name}").code == 0
    again = account(f"cycle --json --proposals {account.home.parent / 'ideas.json'}")
    assert sorted(again.data["repeated"]) == ["b1", "s1"]
    assert again.data["orders"] == []


@pytest.mark.parametrize("name", ["nosuch", "../state.json", "", "state-000000000009-00000000000009.json"])
def test_an_unknown_name_is_refused_before_anything_is_touched(account: CommandLine, name: str) -> None:
    untouched = marks(account.home)
    for flag in ("--dry-run", "--quiet"):  # the rehearsal works on a copy
        ran = account(["state", "restore", flag, name])
        assert (ran.code, ran.out, ran.problems) == (2, "", ["generation_unknown"]), flag
    found = {key: value for key, value in marks(account.home).items() if "state.lock" not in key}
    assert found == {key: value for key, value in untouched.items() if "state.lock" not in key}


def test_without_anything_whole_nothing_is_made_up(account: CommandLine) -> None:
    for path in (account.folder / "generations").iterdir():
        path.unlink()
    (account.folder / "state.json").write_bytes(b"")
    ran = account("state restore")
    assert (ran.code, ran.problems) == (12, ["nothing_to_restore"])
    assert account("cycle").code == 12


def test_verify_folds_the_state_again_from_the_journal(account: CommandLine) -> None:
    assert account("state verify --json").data["refolded_since"] == 0
    path = account.folder / "state.json"
    saved = parse(path.read_bytes(), path)
    books = saved.state.books
    zk = books.positions["ZK"]
    forged = books._replace(positions={**books.positions, "ZK": zk._replace(quantity=zk.quantity + 1)})
    path.write_bytes(render(saved.state._replace(books=forged), saved.position))
    ran = account("state verify")
    assert (ran.code, ran.problems) == (12, ["state_not_folded"])


def test_a_damaged_older_state_is_set_aside_by_name(account: CommandLine) -> None:
    name = oldest(account)
    (account.folder / "generations" / name).write_bytes(b"{")
    assert account("state verify").code == 12
    assert account("state restore --json --dry-run").data["set_aside"] == [f"{name}.damaged1"]
    assert account("state restore --json").data["set_aside"] == [f"{name}.damaged1"]
    assert account("state verify").code == 0


def test_a_restore_that_was_cut_short_after_it_set_files_aside_is_caught_up_with(
    account: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The damaged tail of the journal had sent an order; the first try dies right after the renames."""
    path = account.folder / "journal" / "000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    place = max(number for number, line in enumerate(lines) if b'"order_intended"' in line)
    bad = lines[place - 1].replace(b'"type"', b'"Type"')
    path.write_bytes(b"".join([*lines[: place - 1], bad, *lines[place:]]))
    for file in [account.folder / "state.json", *(account.folder / "generations").iterdir()]:
        if parse(file.read_bytes(), file).position.offset > len(b"".join(lines[: place - 1])):
            file.unlink()
    killed = KeyboardInterrupt()
    with monkeypatch.context() as patch:
        patch.setattr(AccountStore, "load_newest_whole", lambda store: raise_(killed))
        assert account("state restore").code == 11
    assert account("state restore").code == 0
    orders = account("status --json").data["orders"]
    assert orders[-1]["state"]["type"] == "intended"


def raise_(error: BaseException) -> NoReturn:
    raise error
