"""Makes methods of calls, for who waits and for who awaits, with the parameters and the words of the call."""

import atexit
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, get_args

from anyio.from_thread import start_blocking_portal

from waijiao.answers import Outcome
from waijiao.calls import Calls
from waijiao.many import Line
from waijiao.request import Call, Many

if TYPE_CHECKING:
    from waijiao.client import AsyncClient, Client

P = ParamSpec("P")
T = TypeVar("T")


def waits(call: Callable[Concatenate[Calls, P], Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """A method that returns what the call gives."""

    @wraps(call)
    def method(self: "Client", /, *given: P.args, **named: P.kwargs) -> T:
        return self._run(call(self._calls, *given, **named))

    return shown(method, wanted(call))


def gives(call: Callable[Concatenate[Calls, P], Many[T]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    """A method that gives one after the other."""

    @wraps(call)
    def method(self: "Client", /, *given: P.args, **named: P.kwargs) -> Iterator[T]:
        rest: Many[T] | None = call(self._calls, *given, **named)
        while rest:
            batch = self._run(rest)
            yield from batch.items
            rest = batch.rest

    return shown(method, Iterator[get_args(wanted(call))])  # type: ignore[misc]


def awaits(
    call: Callable[Concatenate[Calls, P], Call[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    """A method that is awaited."""

    @wraps(call)
    async def method(self: "AsyncClient", /, *given: P.args, **named: P.kwargs) -> T:
        return await self._run(call(self._calls, *given, **named))

    return shown(method, Awaitable[wanted(call)])  # type: ignore[misc]


def awaits_each(
    call: Callable[Concatenate[Calls, P], Many[T]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[T]]:
    """A method for `async for`."""

    @wraps(call)
    async def method(self: "AsyncClient", /, *given: P.args, **named: P.kwargs) -> AsyncIterator[T]:
        rest: Many[T] | None = call(self._calls, *given, **named)
        while rest:
            batch = await self._run(rest)
            for each in batch.items:
                yield each
            rest = batch.rest

    return shown(method, AsyncIterator[get_args(wanted(call))])  # type: ignore[misc]


def gives_outcomes(
    made: Callable[Concatenate["AsyncClient", P], Line[T]],
) -> Callable[Concatenate["Client", P], Generator[Outcome[T], None, None]]:
    """A method that gives the outcomes of a line, which moves in an event loop of its own."""

    @wraps(made)
    def method(self: "Client", /, *given: P.args, **named: P.kwargs) -> Generator[Outcome[T], None, None]:
        with ExitStack() as stack:
            stack.callback(atexit.unregister, atexit.register(stack.close))  # the loop's thread does not outlive us
            portal = stack.enter_context(start_blocking_portal())
            client = stack.enter_context(portal.wrap_async_context_manager(self._awaited()))
            line = made(client, *given, **named)
            stack.callback(portal.call, line.close)
            while outcome := portal.call(line.next):
                yield outcome

    return shown(method, Iterator[Outcome[Any]])


def awaits_outcomes(
    made: Callable[Concatenate["AsyncClient", P], Line[T]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[Outcome[T]]]:
    """A method for `async for` over the outcomes of a line."""

    @wraps(made)
    async def method(self: "AsyncClient", /, *given: P.args, **named: P.kwargs) -> AsyncIterator[Outcome[T]]:
        line = made(self, *given, **named)
        try:
            while outcome := await line.next():
                yield outcome
        finally:
            await line.close()

    return shown(method, AsyncIterator[Outcome[Any]])


def wanted(call: Callable[..., Any]) -> Any:
    """The type of what the call's generator returns."""
    return get_args(inspect.signature(call).return_annotation)[2]


M = TypeVar("M", bound=Callable[..., Any])


def shown(method: M, result: Any) -> M:
    """The method, for help() and notebooks: with what it returns, where its call has a generator."""
    signature = inspect.signature(method).replace(return_annotation=result)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method
