"""The product's API, which obeys orders.

Run with: gunicorn -c python:api.gunicorn "tests.faults.faulty.api:create_app()"
"""

from api import create_app
from tests.faults.faulty import points

points.install()
__all__ = ["create_app"]
