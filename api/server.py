"""gunicorn's settings: one process, a thread for each request.  Run with: gunicorn -c api/server.py "api:create_app()" """

from pipeline.errors import ConfigurationError
from pipeline.settings import settings

if settings().host not in {"127.0.0.1", "::1", "localhost"} and not settings().allow_open:
    raise ConfigurationError(
        f"WAIJIAO_HOST={settings().host} would let anybody on the network in, since no key has to be shown. "
        "Listen on 127.0.0.1 behind a proxy that asks for one, or set WAIJIAO_ALLOW_OPEN=true to do it all the same."
    )

bind = (
    f"[{settings().host}]:{settings().port}"
    if ":" in settings().host
    else f"{settings().host}:{settings().port}"
)
worker_class = "gthread"
workers = 1
threads = settings().api_threads
timeout = 60  # seconds without a sign of life before the process is replaced
graceful_timeout = 5  # seconds requests may take to end at a stop
loglevel = "warning"
accesslog = None  # paths hold ids of sessions, which name learners
control_socket_disable = True
