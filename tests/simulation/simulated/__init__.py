"""A hostile world in memory: a disk that forgets, an exchange with a life of its own, a wire that loses things."""
