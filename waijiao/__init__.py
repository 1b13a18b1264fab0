"""The Python client of Waijiao. This package also has the `waijiao` command, and what `waijiao up` runs."""

from waijiao import errors
from waijiao.client import Answer, AsyncClient, Client, Outcome

__all__ = ["Answer", "AsyncClient", "Client", "Outcome", "errors"]
