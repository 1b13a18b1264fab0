"""How the command speaks: where its words go, and its own errors as one sentence and an exit code."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click
from pydantic import ValidationError
from redis.exceptions import RedisError
from rich.console import Console

from pipeline.errors import WaijiaoError
from waijiao.errors import Unreachable

FAILED, WRONG_USAGE, UNREACHABLE = 1, 2, 3
out_console = Console(highlight=False, soft_wrap=True)
the_url = click.option("--url", help="The server.  [default: WAIJIAO_URL or http://127.0.0.1:8000]")
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
        except BrokenPipeError:
            raise  # whoever read our words has heard enough: click ends quietly
        except (WaijiaoError, OSError) as error:
            end(FAILED, str(error))

    return wrapped


def end(status: int, why: str) -> None:
    err.print(why, style="red", markup=False)
    sys.exit(status)
