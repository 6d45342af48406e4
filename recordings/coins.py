"""The 49 synthetic coins: their grid, and how lively each tier is. Every number here may be read as a claim."""

from __future__ import annotations

from typing import NamedTuple


class Tier(NamedTuple):
    """`takers` a minute and side; sizes are medians in USDT; `requotes` a minute and side; `spread_bp` and
    `volatility_bp` (one minute, one standard deviation) in basis points of the price; `moves` a loop."""

    minutes: int
    takers: float
    taker_usdt: float
    taker_spread: float
    touch_usdt: float
    touch_spread: float
    requotes: float
    spread_bp: float
    volatility_bp: float
    moves: int


LIQUID = Tier(90, 20, 500, 1.4, 95_000, 0.25, 14, 4, 7, 1)
MIDDLE = Tier(180, 7, 145, 1.4, 48_000, 0.25, 9, 16, 7, 2)
LOWER = Tier(240, 3.5, 135, 1.4, 19_000, 0.25, 6, 32, 6, 2)
THIN = Tier(240, 1.6, 40, 1.6, 160, 1.0, 5, 14, 3, 2)
THINNEST = Tier(240, 0.7, 36, 1.6, 200, 1.0, 4, 11, 2, 1)


class Coin(NamedTuple):
    """Prices, ticks and steps as text: they go into the file as they stand."""

    symbol: str
    price: str
    tick: str
    step: str
    tier: Tier


_TABLE = (
    (LIQUID, "ETH 2680 0.01 0.0001, SOL 155.2 0.01 0.001, XRP 0.612 0.0001 0.1, BNB 512 0.1 0.001"),
    (LIQUID, "DOGE 0.1042 0.00001 1, ADA 0.345 0.0001 0.1, TRX 0.1281 0.0001 0.1, LINK 10.42 0.001 0.01"),
    (LIQUID, "AVAX 21.85 0.01 0.01"),
    (MIDDLE, "LTC 58.4 0.01 0.001, DOT 4.61 0.001 0.01, NEAR 3.92 0.001 0.1, UNI 6.05 0.001 0.01"),
    (MIDDLE, "SUI 0.914 0.0001 0.1, APT 6.02 0.001 0.01, ARB 0.553 0.0001 0.1, OP 1.402 0.001 0.01"),
    (MIDDLE, "INJ 17.9 0.01 0.01, FIL 3.71 0.001 0.01"),
    (LOWER, "ATOM 4.82 0.001 0.01, AAVE 102.4 0.01 0.001, FET 0.842 0.0001 0.1, SEI 0.271 0.0001 0.1"),
    (LOWER, "TIA 5.31 0.001 0.01, HBAR 0.0563 0.00001 1, LDO 1.081 0.0001 0.01, GRT 0.1462 0.0001 1"),
    (LOWER, "JUP 0.833 0.0001 0.1, ENA 0.334 0.0001 0.1"),
    (THIN, "ZK 0.0504 0.00001 0.1, AERO 0.684 0.0001 0.1, WLFI 0.1422 0.0001 1, SKL 0.0381 0.00001 1"),
    (THIN, "BAND 1.142 0.001 0.1, NMR 14.31 0.01 0.01, DASH 24.6 0.01 0.001, ZRX 0.2881 0.0001 1"),
    (THIN, "STORJ 0.3012 0.0001 1, CELR 0.01263 0.00001 1, OGN 0.0871 0.0001 1, RLC 1.513 0.001 0.1"),
    (THIN, "KNC 0.4312 0.0001 1, ANKR 0.02284 0.00001 1, IOTX 0.03471 0.00001 1, CTSI 0.1321 0.0001 1"),
    (THINNEST, "PENGU 0.0145 0.000001 1, BAL 2.304 0.0001 0.01, LSK 0.774 0.0001 0.1, REQ 0.0972 0.00001 1"),
)

COINS = tuple(
    Coin(f"{words[0]}/USDT", words[1], words[2], words[3], tier)
    for tier, text in _TABLE
    for words in (entry.split() for entry in text.split(","))
)
