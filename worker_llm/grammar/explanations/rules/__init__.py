"""Rules that look for the reason of an edit. Each takes a TokenEdit and gives a Reason, or None if none is certain."""
