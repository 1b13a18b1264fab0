"""Runs tests on another day and in another time zone; `python -m tests.dates` says how (__main__.py)."""
