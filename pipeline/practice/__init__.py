"""Saying a better sentence again: what is said, how a try compares with what was said before, and what is praised."""
