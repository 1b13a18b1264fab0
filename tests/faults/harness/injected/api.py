"""The product's API, which obeys orders.

Run with: gunicorn -c python:api.gunicorn "tests.faults.harness.injected.api:create_app()"
"""

from api import create_app
from tests.faults.harness.injected import crash_points

crash_points.install()
__all__ = ["create_app"]
