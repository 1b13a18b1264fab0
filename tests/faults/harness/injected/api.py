"""The product's API, which obeys orders.

Run with: gunicorn -c python:api.gunicorn "tests.faults.harness.injected.api:create_app()"
"""

import math
import os

from api import create_app
from api.openai import run_job
from tests.faults.harness.injected import crash_points

crash_points.install()
if retention_s := os.environ.get("FAULTS_RETENTION_S"):
    run_job.TOMBSTONE_S = math.ceil(float(retention_s))
__all__ = ["create_app"]
