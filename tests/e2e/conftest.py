"""One house for all end-to-end tests; an index and a hub of our own."""

from tests.support.fake_registries import empty_shelves
from tests.support.running_app import house

__all__ = ["empty_shelves", "house"]
