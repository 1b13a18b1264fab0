"""The `waijiao homework` commands."""
