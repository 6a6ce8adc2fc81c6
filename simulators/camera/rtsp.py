"""RTSP 1.0 (RFC 2326) as much as a viewer needs: describe, set up, play, over the one TCP connection.

Pictures travel interleaved in that connection (10.12), which is also how the gateway asks for them: no UDP.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from simulators.camera.feed import Cut, Feed
from simulators.camera.rtp_jpeg import CLOCK_HZ, PAYLOAD_TYPE, Packets

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN"
_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})")


class Request(NamedTuple):
    """One request of a viewer; header names in lower case."""

    method: str
    url: str
    headers: dict[str, str]


class RtspSession:
    """One viewer's connection to one camera."""

    def __init__(self, feed: Feed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._feed = feed
        self._reader = reader
        self._writer = writer
        self._id = f"{id(self) & 0xFFFFFFFF:08x}"
        self._channel = 0

    async def serve(self, first_line: bytes) -> None:
        """Answer until the viewer goes, tears down, or the camera cuts. Raises what a broken connection raises."""
        line = first_line
        async with asyncio.TaskGroup() as tasks:
            playing: asyncio.Task[None] | None = None
            while line:
                request = await self._read(line)
                if self._feed.present_fault in ("refuse", "cut"):
                    self._answer(request, "503 Service Unavailable")
                    break
                self._answer_to(request)
                if request.method == "PLAY" and playing is None:
                    playing = tasks.create_task(self._play(), name=f"rtsp {self._feed.name}")
                if request.method == "TEARDOWN":
                    break
                line = await self._next_line()
            await self._writer.drain()
            if playing:
                playing.cancel()

    async def _play(self) -> None:
        packets = Packets(self._channel, int(self._id, 16))
        number = -1
        try:
            while True:
                number, jpeg = await self._feed.shot_after(number)
                if jpeg is not None:
                    self._writer.write(packets.of(jpeg, number / self._feed.fps))
                    await self._writer.drain()
        except (Cut, ConnectionError):
            # The reader then meets the end of the stream and ends the session.
            self._writer.transport.abort()

    async def _next_line(self) -> bytes:
        """The next request's first line; the viewer's own interleaved packets (receiver reports) are passed over."""
        while (start := await self._reader.read(1)) == b"$":
            length = int.from_bytes((await self._reader.readexactly(3))[1:], "big")
            await self._reader.readexactly(length)
        return start + await self._reader.readline() if start else b""

    async def _read(self, line: bytes) -> Request:
        method, _, rest = line.decode("latin-1").partition(" ")
        headers: dict[str, str] = {}
        while (header := (await self._reader.readline()).decode("latin-1").strip()) and len(headers) < 100:
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        await self._reader.readexactly(min(65_536, int(headers.get("content-length", "0"))))
        return Request(method, rest.split(" ")[0], headers)

    def _answer_to(self, request: Request) -> None:
        match request.method:
            case "OPTIONS":
                self._answer(request, headers=f"Public: {_METHODS}\r\n")
            case "DESCRIBE":
                body = self._description()
                base = f"Content-Base: {request.url}/\r\nContent-Type: application/sdp\r\n"
                self._answer(request, headers=f"{base}Content-Length: {len(body)}\r\n", body=body)
            case "SETUP":
                self._set_up(request)
            case "PLAY" | "PAUSE" | "GET_PARAMETER" | "TEARDOWN":
                self._answer(request, headers=f"Session: {self._id}\r\n")
            case _:
                self._answer(request, "501 Not Implemented")

    def _set_up(self, request: Request) -> None:
        transport = request.headers.get("transport", "")
        if "TCP" not in transport:
            self._answer(request, "461 Unsupported Transport")
            return
        found = _INTERLEAVED.search(transport)
        self._channel = min(254, int(found[1])) if found else 0
        way = f"RTP/AVP/TCP;unicast;interleaved={self._channel}-{self._channel + 1}"
        self._answer(request, headers=f"Transport: {way}\r\nSession: {self._id};timeout=60\r\n")

    def _description(self) -> str:
        """The session description (RFC 4566)."""
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            f"s={self._feed.name}",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} JPEG/{CLOCK_HZ}",
            f"a=framerate:{self._feed.fps:g}",
            "a=control:video",
        ]
        return "\r\n".join(lines) + "\r\n"

    def _answer(self, request: Request, status: str = "200 OK", headers: str = "", body: str = "") -> None:
        number = request.headers.get("cseq", "0")
        self._writer.write(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{headers}\r\n{body}".encode())
