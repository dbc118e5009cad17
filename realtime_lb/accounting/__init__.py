"""How much: tokens of a session, and what of its events is worth keeping."""
