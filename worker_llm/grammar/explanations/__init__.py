"""Explains edits of sentences: their kinds, as ERRANT names them, and why, in plain English and in Chinese."""
