"""One `waijiao up` for all end-to-end tests; a package index and a model hub of our own."""

from tests.support.fake_registries import empty_registries
from tests.support.running_app import app, server_with_keys

__all__ = ["app", "empty_registries", "server_with_keys"]
