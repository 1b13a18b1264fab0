"""The Python client: Client blocks, AsyncClient is awaited; their methods are the same."""

from waijiao.client.async_client import AsyncClient
from waijiao.client.results import Answer, Outcome, Recording
from waijiao.client.sync_client import Client

__all__ = ["Answer", "AsyncClient", "Client", "Outcome", "Recording"]
