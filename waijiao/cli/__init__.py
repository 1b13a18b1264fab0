"""The `waijiao` command."""
