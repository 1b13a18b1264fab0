"""One house for all that is built on the API: the Python client, the command, every example."""

from tests.support.running_app import house

__all__ = ["house"]
