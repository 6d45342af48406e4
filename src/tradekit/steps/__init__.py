"""Floor 2: verbs that touch the world, each only through the `Desk`. They return records of what they did."""
