"""The paper exchange: a recording, an honest queue model and books of its own. Must never touch the network."""
