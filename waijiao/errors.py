"""What the client raises: a class for each code of the API, and two of its own.  from waijiao.errors import NoSpeech"""

from pipeline.errors import *  # noqa: F403 - all of them, under the name of the package that people import
from pipeline.errors import WaijiaoError


class Unreachable(WaijiaoError):
    """Raised when no server answers. Start one with `waijiao up`, or name another by WAIJIAO_URL."""

    code, http_status, retryable = "unreachable", 503, True


class Refused(WaijiaoError):
    """Raised when a server refuses a request with a code that this client does not know; `code` is that one."""
