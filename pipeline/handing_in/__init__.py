"""Whose recordings are that a class hands in, and what may be taken out of the files that they come in."""
