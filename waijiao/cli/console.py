"""What all commands share: the consoles, the exit codes, the option --url, and how errors are shown."""

import functools
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import click
from pydantic import ValidationError
from redis.exceptions import RedisError
from rich.console import Console

from pipeline.errors import WaijiaoError
from waijiao.errors import Unreachable

EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE = 1, 2, 3
EXIT_INTERRUPTED = 130  # as shells report a command that was ended by Ctrl-C
EXPECTED_VALUES = {  # by pydantic's type of error; the messages of its other types are clear
    "bool_parsing": "be true or false",
    "int_parsing": "be a whole number",
    "float_parsing": "be a number",
}
P = ParamSpec("P")

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)
url_option = click.option("--url", help="The server.  [default: WAIJIAO_URL or http://127.0.0.1:8000]")


def handle_errors(command: Callable[P, None]) -> Callable[P, None]:
    """A decorator that shows the errors a user can act on as one sentence and an exit code, not as a traceback."""

    @functools.wraps(command)
    def run_command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ValidationError as error:  # a setting that has a wrong value
            exit_with(EXIT_USAGE, describe_setting_error(error))
        except Unreachable as error:
            exit_with(EXIT_UNREACHABLE, error.detail)
        except RedisError as error:
            exit_with(EXIT_UNREACHABLE, f"Redis cannot be reached ({error}). Is `waijiao up` running?")
        except BrokenPipeError:
            raise  # the reader of our output has closed it, such as `head`: click ends the command quietly
        except (WaijiaoError, OSError) as error:
            exit_with(EXIT_FAILED, str(error))
        except KeyboardInterrupt:
            exit_with(EXIT_INTERRUPTED, "Interrupted.")

    return run_command


def describe_setting_error(error: ValidationError) -> str:
    """The first setting that has a wrong value, and what it must be."""
    first = error.errors()[0]
    name = "_".join(["WAIJIAO", *(str(part).upper() for part in first["loc"] or ["host"])])
    if first["type"] == "value_error":
        return f"{name}: {first['ctx']['error']}"
    requirement = EXPECTED_VALUES.get(first["type"]) or first["msg"].removeprefix("Input should ")
    return f"{name} is {first['input']!r}; it must {requirement}."


def exit_with(status: int, message: str) -> NoReturn:
    """Print the message to stderr and end the command with this exit code."""
    print_error(message)
    sys.exit(status)


def print_error(message: str) -> None:
    stderr.print(message, style="red", markup=False)
