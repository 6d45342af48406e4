"""Floor 1: pure verbs. What time it is and what the market says are arguments; nothing here touches the world."""
