"""Seeds that are played in every run of the tests, and why. A bug that was found keeps its seed here for good."""

from __future__ import annotations

from typing import Final

NAMED: Final[dict[int, str]] = {}
