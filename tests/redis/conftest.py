"""A few tests look at the API as it is served."""

from serving import serve, server

__all__ = ["serve", "server"]
