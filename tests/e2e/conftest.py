"""One house for all end-to-end tests."""

from e2e_house import house

__all__ = ["house"]
