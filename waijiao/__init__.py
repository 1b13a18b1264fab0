"""What people type and import: the `waijiao` command, `up`, which runs the whole house here, and the client."""

from waijiao import errors
from waijiao.answers import Answer, Outcome
from waijiao.client import AsyncClient, Client

__all__ = ["Answer", "AsyncClient", "Client", "Outcome", "errors"]
