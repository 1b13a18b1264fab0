"""A few tests look at the API as it is served."""

from tests.support.served_api import serve, server

__all__ = ["serve", "server"]
