"""What people type and import: the `waijiao` command, `up`, which runs the whole house here, and the client."""

from waijiao import errors
from waijiao.client import Answer, AsyncClient, Client, Outcome

__all__ = ["Answer", "AsyncClient", "Client", "Outcome", "errors"]
