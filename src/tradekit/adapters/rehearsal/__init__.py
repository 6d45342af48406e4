"""A stage for rehearsals: the paper markets, an exchange that misbehaves by a seed, and a disk that is only memory."""
