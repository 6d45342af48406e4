"""The kill switch: a file named HALT. It is there or it isn't; what it says is for people only.

Needs neither lock nor policy nor a readable state: a halt has to work when everything else is broken.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradekit.domain.errors import NeedsHuman, Problem

NAME: Final = "HALT"


def set_halt(folder: Path, reason: str) -> bool:
    """Halts what lives in `folder`, durably. False when it was halted already. Raises `NeedsHuman`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:  # a file in the folder's place, which is no halt
        raise _fault(folder, error) from None
    try:
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise _fault(folder, error) from None
    with suppress(OSError), os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(reason + "\n")  # on a full disk the reason is lost, and the halt holds all the same
        file.flush()
        os.fsync(descriptor)
    _sync(folder)
    return True


def clear_halt(folder: Path) -> bool:
    """Ends the halt of `folder`, durably. False when there was none. Raises `NeedsHuman`."""
    try:
        (folder / NAME).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _fault(folder, error) from None
    _sync(folder)
    return True


def halt_reason(folder: Path) -> str | None:
    """Why `folder` is halted, or None when it isn't."""
    path = folder / NAME
    try:
        # Non-blocking, because the file may be anything that its name was given to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 400).decode("utf-8", "replace").strip() or "no reason given"
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return "no reason given" if os.path.islink(path) else None
    except OSError as error:
        return f"unreadable ({error.strerror})"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fault(folder: Path, error: OSError) -> NeedsHuman:
    from tradekit.adapters.store.disk_errors import no_folder

    return no_folder(folder) or NeedsHuman(
        Problem("home_unwritable", f"{folder / NAME}: {error.strerror}", "check owner and mode of the home")
    )
