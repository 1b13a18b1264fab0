"""Runs the whole server on this machine: Redis, the API and the workers, as `waijiao up` does."""
