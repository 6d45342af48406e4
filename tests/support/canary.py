"""Finds a secret in whatever a program wrote: as it is, encoded as libraries do, backwards, or in pieces."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

PIECE: Final = 8
"""Characters that may not be seen in a row: fewer are in every text by chance."""


class Canary:
    """`found_in(text)` names the first piece of a secret in it, or is empty."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._pieces = {form[at : at + PIECE] for form in forms for at in range(len(form) - PIECE + 1)}

    def found_in(self, data: str | bytes) -> str:
        """A piece of at least `PIECE` characters, in whatever form."""
        text = data if isinstance(data, str) else data.replace(b"\0" * 64, b"").decode("latin-1")
        for at in range(len(text) - PIECE + 1):
            if text[at : at + PIECE] in self._pieces:
                return text[max(at - 20, 0) : at + PIECE + 20]
        return ""

    def found_under(self, folder: Path, but: Iterable[Path] = ()) -> dict[str, str]:
        """Files under a folder in whose name or content there is a piece."""
        kept = set(but)
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path not in kept]
        told = {
            str(path): self.found_in(str(path.relative_to(folder))) or self.found_in(path.read_bytes())
            for path in files
        }
        return {name: piece for name, piece in told.items() if piece}


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    plain = {secret, quote(secret, safe=""), quote_plus(secret), raw.hex(), raw.hex().upper()}
    for before in range(3):  # where it stands inside of what was encoded decides what it looks like
        for encode in (b64encode, urlsafe_b64encode):
            coded = encode(b"\0" * before + raw).decode().rstrip("=")
            plain.add(coded[-(-before * 4 // 3) : -2] if before else coded[:-2])
    return plain | {form[::-1] for form in plain}
