"""gunicorn's settings: one process, a thread for each request.

Run with: gunicorn -c python:api.server "api:create_app()"
"""

from pipeline.settings import settings

bind = f"[{settings().host}]:{settings().port}" if ":" in settings().host else f"{settings().host}:{settings().port}"
worker_class = "gthread"
workers = 1
threads = settings().api_threads
timeout = 60  # seconds without a sign of life before the process is replaced
graceful_timeout = 5  # seconds requests may take to end at a stop
loglevel = "warning"
accesslog = None  # paths hold ids of sessions, which name learners
control_socket_disable = True
