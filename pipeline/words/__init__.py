"""Words that were heard beside words that were meant: what differs, what that says, and what was not clear."""
