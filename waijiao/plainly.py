"""How the command speaks: where its words go, and its own errors as one sentence and an exit code."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from redis.exceptions import RedisError
from rich.console import Console

from pipeline.errors import WaijiaoError
from waijiao.asking import Unreachable

FAILED, WRONG_USAGE, UNREACHABLE = 1, 2, 3
out_console = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def said_plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Show our own errors as one sentence and an exit code, not as a traceback."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except ValidationError as error:
            first = error.errors()[0]
            name = "_".join(["WAIJIAO", *(str(part).upper() for part in first["loc"] or ["host"])])
            end(WRONG_USAGE, f"{name}: {first['msg']}")
        except Unreachable as error:
            end(UNREACHABLE, error.detail)
        except RedisError as error:
            end(UNREACHABLE, f"Redis cannot be reached ({error}). Is `waijiao up` running?")
        except WaijiaoError as error:
            end(FAILED, error.detail)

    return wrapped


def end(status: int, why: str) -> None:
    err.print(why, style="red", markup=False)
    sys.exit(status)
