"""A small TCP proxy between the product and Redis: forwards, resets, falls silent, delays, drops a reply."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

CHUNK_BYTES = 1 << 16  # bytes passed on at once
LINGER_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(eq=False)
class Connection:
    """One connection: the product's side, Redis's side, and the latest bytes from the product."""

    to_product: asyncio.StreamWriter
    to_redis: asyncio.StreamWriter | None = None
    last_request: bytes = b""

    def reset(self) -> None:
        for side in (self.to_product, self.to_redis):
            if side and not side.is_closing():
                side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                side.transport.abort()


class Proxy:
    """Listens on `port` of the loopback interface, for a server on `target`; runs in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0  # seconds that each piece is held back, either way
        self.connections: set[Connection] = set()
        self.should_drop: Callable[[Connection, bytes], bool] | None = None
        self.dropped_replies = 0  # so far
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.port = self._run(self._listen())

    def suspend(self) -> None:
        """From now on forward nothing and close nothing, until `resume`: then what was held back arrives."""
        self._run(self._set(flowing=False))

    def resume(self) -> None:
        """Forward everything, without delay."""
        self.delay_s, self.should_drop = 0.0, None
        self._run(self._set(flowing=True))

    def reset(self) -> None:
        """Break every connection with a RST; new ones are accepted."""
        self._run(self._reset())

    def drop_reply(self, command: bytes, reply: bytes = b"") -> None:
        """Once: let Redis do a command that has these bytes, and break the connection in place of its reply.

        With `reply`, only a reply that has these bytes too; `dropped_replies` counts them.
        """
        self.should_drop = lambda connection, piece: command in connection.last_request and reply in piece

    def close(self) -> None:
        self._run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _listen(self) -> int:
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def _set(self, flowing: bool) -> None:
        (self.flowing.set if flowing else self.flowing.clear)()

    async def _reset(self) -> None:
        for connection in list(self.connections):
            connection.reset()

    async def _close(self) -> None:
        self.server.close()
        self.flowing.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # one may just have been accepted
            await self._reset()
            await asyncio.wait(others, timeout=1)
        await asyncio.sleep(0)  # for the sockets to close

    async def _serve(self, from_product: asyncio.StreamReader, to_product: asyncio.StreamWriter) -> None:
        connection = Connection(to_product)
        self.connections.add(connection)
        try:
            await self.flowing.wait()
            from_redis, connection.to_redis = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(
                self._pass(connection, from_product, connection.to_redis),
                self._pass(connection, from_redis, to_product),
            )
        except OSError:  # either side is gone: so is the connection
            pass
        finally:
            connection.reset()
            self.connections.discard(connection)

    async def _pass(self, connection: Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(CHUNK_BYTES):
            await asyncio.sleep(self.delay_s)
            await self.flowing.wait()
            if sink is connection.to_redis:
                connection.last_request = piece
            elif self.should_drop and self.should_drop(connection, piece):
                self.should_drop, self.dropped_replies = None, self.dropped_replies + 1
                connection.reset()
            sink.write(piece)
            await sink.drain()
        raise ConnectionResetError
