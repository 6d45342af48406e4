"""Real exchanges: the one place that knows ccxt. Nothing here is imported by a run that asks an exchange nothing."""
