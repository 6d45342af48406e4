"""Makes the package `replay` of the benchmarks importable: it lies beside tradekit, not in it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
