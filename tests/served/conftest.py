"""Every test has a server of its own."""

from serving import serve, server

__all__ = ["serve", "server"]
