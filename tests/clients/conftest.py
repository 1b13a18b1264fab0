"""One house for all that is built on the API: the Python client, the command, every example."""

from e2e_house import house

__all__ = ["house"]
