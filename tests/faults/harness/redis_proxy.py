"""A small TCP proxy between the product and Redis: passes, resets, goes silent, delays, cuts a reply off."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

CHUNK = 1 << 16  # bytes passed on at once
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(eq=False)
class Line:
    """One connection: the product's side, Redis's side, and the latest that the product sent."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    sent: bytes = b""

    def reset(self) -> None:
        for side in (self.near, self.far):
            if side and not side.is_closing():
                side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                side.transport.abort()


class Proxy:
    """Listens on `port` of the loopback interface, for a server on `target`; runs in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0  # seconds that each piece is held back, either way
        self.lines: set[Line] = set()
        self.cutting: Callable[[Line, bytes], bool] | None = None
        self.cuts = 0  # replies cut off so far
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.port = self._do(self._listen())

    def black_hole(self) -> None:
        """From now on nothing is passed on and nothing closed, until `flow`: then what was held back arrives."""
        self._do(self._set(flowing=False))

    def flow(self) -> None:
        """Pass everything on, at once."""
        self.delay_s, self.cutting = 0.0, None
        self._do(self._set(flowing=True))

    def reset(self) -> None:
        """Break every connection with a RST; new ones are accepted."""
        self._do(self._reset())

    def cut_reply(self, command: bytes, reply: bytes = b"") -> None:
        """Once: let Redis do a command that has these bytes, and break the connection in the place of its reply.

        With `reply`, only a reply that has these bytes too; `cuts` counts those that were cut.
        """
        self.cutting = lambda line, said: command in line.sent and reply in said

    def close(self) -> None:
        self._do(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _listen(self) -> int:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def _set(self, flowing: bool) -> None:
        (self.flowing.set if flowing else self.flowing.clear)()

    async def _reset(self) -> None:
        for line in list(self.lines):
            line.reset()

    async def _close(self) -> None:
        self.server.close()
        self.flowing.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # a line that was just accepted makes one more
            await self._reset()
            await asyncio.wait(others, timeout=1)
        await asyncio.sleep(0)  # for the sockets to close

    async def _serve(self, from_product: asyncio.StreamReader, to_product: asyncio.StreamWriter) -> None:
        line = Line(to_product)
        self.lines.add(line)
        try:
            await self.flowing.wait()
            from_redis, line.far = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._pass(line, from_product, line.far), self._pass(line, from_redis, to_product))
        except OSError:  # either side is gone: so is the line
            pass
        finally:
            line.reset()
            self.lines.discard(line)

    async def _pass(self, line: Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(CHUNK):
            await asyncio.sleep(self.delay_s)
            await self.flowing.wait()
            if sink is line.far:
                line.sent = piece
            elif self.cutting and self.cutting(line, piece):
                self.cutting, self.cuts = None, self.cuts + 1
                line.reset()
            sink.write(piece)
            await sink.drain()
        raise ConnectionResetError
