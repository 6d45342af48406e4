"""Floor 0: the nouns of trading, frozen, with the laws they obey. Standard library only, no clock, no files."""
