"""One house for all end-to-end tests; an index and a hub of our own."""

from e2e_house import house
from shelves import empty_shelves

__all__ = ["empty_shelves", "house"]
