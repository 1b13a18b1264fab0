"""The `waijiao lesson` command."""
