"""What a decoder process is told to open, as the one line of JSON on its standard input.

It stands in a file of its own because the decoder, whose memory is budgeted, must not load the judge and the contract.
A URL may hold a password, so it never stands in a command line, which every user of the machine can read.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct


class Order(Struct, frozen=True, kw_only=True):
    """Open this and measure so many pictures a second; times in seconds."""

    kind: Literal["network", "usb", "file"]
    url: str
    usb_index: int = 0
    analyse_fps: float
    open_timeout_s: float
    read_timeout_s: float
    loop: bool = False


def encode(order: Order) -> bytes:
    """One line, with its line end."""
    return msgspec.json.encode(order) + b"\n"


def decode(line: bytes) -> Order:
    """The order of a line. Raises ValueError."""
    return msgspec.json.decode(line, type=Order)
