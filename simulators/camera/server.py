"""Many simulated cameras on one loopback port: MJPEG and RTSP are told apart by the first line of a connection.

http://127.0.0.1:8554/cam-01.mjpg    http://127.0.0.1:8554/cam-01.jpg    rtsp://127.0.0.1:8554/cam-01
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, Self
from urllib.parse import urlsplit

from simulators.camera.fault import Fault
from simulators.camera.feed import Daylight, Feed
from simulators.camera.mjpeg import refusal, serve_picture, serve_pictures
from simulators.camera.rtsp import RtspSession
from simulators.camera.scene import Scene

#: A viewer that does not say what it wants is sent away.
ASK_WITHIN_S = 10.0


class CameraServer:
    """Add cameras, then serve: `async with server:` or `await server.serve()`. Port 0 takes a free one."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self.feeds: dict[str, Feed] = {}
        #: Connections since the start that asked for something; one that only looks whether the port is open does not.
        self.asked = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def add(
        self,
        name: str,
        scene: Scene,
        faults: Sequence[Fault] = (),
        fps: float = 5.0,
        daylight: Daylight = lambda _: 1.0,
    ) -> Feed:
        """Put up a camera; the feed that comes back takes faults by hand."""
        feed = self.feeds[name] = Feed(name, scene, faults, fps, daylight=daylight)
        return feed

    def url(self, name: str, wire: Literal["rtsp", "mjpeg"] = "rtsp") -> str:
        """Where a camera is; known once the server is open."""
        if wire == "rtsp":
            return f"rtsp://{self.host}:{self.port}/{name}"
        return f"http://{self.host}:{self.port}/{name}.mjpg"

    async def open(self) -> None:
        """Listen; on the same port again after `close`."""
        self._server = await asyncio.start_server(self._connected, self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection: from now on the cameras refuse."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None
        await self._all_gone.wait()

    def cut(self) -> None:
        """Close every connection, without a word, as a reboot does."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self) -> None:
        """Serve until cancelled."""
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._all_gone.clear()
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                line = await reader.readline()
            await self._answer(line, reader, writer)
            writer.close()
            await writer.wait_closed()
        except* (ConnectionError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            # The viewer went, or speaks something else: its loss.
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            if not self._writers:
                self._all_gone.set()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += bool(line)
        _, _, rest = line.decode("latin-1").strip().partition(" ")
        target, _, version = rest.rpartition(" ")
        path = urlsplit(target).path.strip("/")
        name, _, form = path.partition(".")
        feed = self.feeds.get(name.split("/")[0])
        if version.startswith("RTSP/"):
            if feed is None:
                writer.write(b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n")
                return
            await RtspSession(feed, reader, writer).serve(line)
        elif version.startswith("HTTP/"):
            while (await reader.readline()).strip():
                pass
            if feed is None or form not in ("mjpg", "jpg"):
                writer.write(refusal("404 Not Found"))
            elif feed.present_fault == "refuse":
                writer.write(refusal("503 Service Unavailable"))
            elif form == "jpg":
                await serve_picture(feed, writer)
            else:
                await serve_pictures(feed, reader, writer)
