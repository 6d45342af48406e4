"""The files of one account: lock, journal, state and its generations. Rules R1 to R10 of `docs/architecture.md`."""
