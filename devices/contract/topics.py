"""Topics: `county/v1/{gateway}/{stream}`. A gateway may write only under its own id."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

from devices.contract.quantity import ID_PATTERN

Stream = Literal["readings", "receipt", "birth", "state", "media", "cmd", "config"]
STREAMS: tuple[Stream, ...] = get_args(Stream)

_ROOT = "county/v1"
_ID = re.compile(ID_PATTERN)


class Topic(NamedTuple):
    """One gateway's stream, read from or written to a topic name."""

    gateway: str
    stream: Stream

    def __str__(self) -> str:
        """The topic's name on the broker."""
        return f"{_ROOT}/{self.gateway}/{self.stream}"


def parse_topic(name: str) -> Topic | None:
    """The gateway and stream that a topic names, or None where it is not one of ours."""
    parts = name.split("/")
    if len(parts) != 4 or f"{parts[0]}/{parts[1]}" != _ROOT or not _ID.match(parts[2]):
        return None
    for stream in STREAMS:
        if parts[3] == stream:
            return Topic(parts[2], stream)
    return None


def topic_filter(stream: Stream) -> str:
    """The subscription that covers every gateway's stream."""
    return f"{_ROOT}/+/{stream}"
