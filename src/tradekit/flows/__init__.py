"""Floor 3: each command on one page: its steps in order and no arithmetic."""
