"""Recorded markets played again: readers of order logs and quote logs, a feed for the paper exchange, exact queues."""
