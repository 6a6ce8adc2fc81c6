"""MJPEG over HTTP as cameras serve it: one response of many parts, a JPEG each; and a single picture."""

from __future__ import annotations

import asyncio

from simulators.camera.feed import Cut, Feed

_BOUNDARY = "county-frame"


async def serve_pictures(feed: Feed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`GET /name.mjpg`: pictures until the viewer goes or the camera cuts."""
    writer.write(
        b"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\n"
        + f"Content-Type: multipart/x-mixed-replace; boundary={_BOUNDARY}\r\n\r\n".encode()
    )
    number = -1
    while not reader.at_eof():
        try:
            number, jpeg = await feed.shot_after(number)
        except Cut:
            return
        if jpeg is not None:
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            writer.write(head.encode() + jpeg + b"\r\n")
            await writer.drain()


async def serve_picture(feed: Feed, writer: asyncio.StreamWriter) -> None:
    """`GET /name.jpg`: the present picture."""
    try:
        _, jpeg = await feed.shot_after(-1)
    except Cut:
        return
    jpeg = jpeg or b""
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n" + f"Content-Length: {len(jpeg)}\r\n\r\n".encode())
    writer.write(jpeg)
    await writer.drain()


def refusal(status: str) -> bytes:
    """A whole response without a body."""
    return f"HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n".encode()
