"""tradekit: execute and guard spot-crypto orders from the command line and from cron."""

__version__ = "0.1.0"
