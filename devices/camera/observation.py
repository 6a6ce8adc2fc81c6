"""What is seen of a camera from moment to moment: a picture's measurements, or that the stream began or was lost.

A decoder process says these, one JSON object a line; the judge (`health`) takes them with their arrival time.

    {"seen":"opened"}
    {"seen":"picture","luminance":131.2,"contrast":34.8,"sharpness":53.1,"saturation":11.3,"noise":2.4,
     "changed":"ffff...","frames":1204,"dropped":0}
    {"seen":"lost","how":"silent","reason":"no frame for 6 s"}
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

#: The raster over a picture in which change is told: columns, rows.
COLUMNS, ROWS = 16, 9

Level = Annotated[float, Meta(ge=0, le=255)]


class Opened(Struct, frozen=True, tag_field="seen", tag="opened"):
    """The stream is open and described; no frame has been decoded yet."""


class Picture(Struct, frozen=True, kw_only=True, tag_field="seen", tag="picture"):
    """What was measured of one analysed frame.

    luminance, contrast: mean and standard deviation of grey, 0-255, without the top and bottom ninth (burnt-in text).
    sharpness: RMS of the Laplacian that a quarter of the cells reaches, grey levels at 320 pixels' width.
    saturation: mean spread between the colour channels, 0-255; near 0 under infrared light.
    noise: standard deviation between two analysed frames in the median cell, grey levels; None for a first frame.
    changed: the 16 x 9 cells (row by row, most significant bit first, hexadecimal) that differ from the analysed frame
    before; None for a first frame. frames, dropped: frames arrived, and passed over as no longer the newest, since the
    decoder started.
    """

    luminance: Level
    contrast: Level
    sharpness: Annotated[float, Meta(ge=0)]
    saturation: Level
    noise: Annotated[float, Meta(ge=0)] | None = None
    changed: Annotated[str, Meta(pattern=r"^[0-9a-f]{36}$")] | None = None
    frames: Annotated[int, Meta(ge=0)] = 0
    dropped: Annotated[int, Meta(ge=0)] = 0


class Lost(Struct, frozen=True, kw_only=True, tag_field="seen", tag="lost"):
    """There is no stream now.

    gone: nobody there, refused, closed, or the decoder died. silent: somebody there who sends no frame.
    ended: a recording was played to its end.
    """

    how: Literal["gone", "silent", "ended"]
    reason: Annotated[str, Meta(max_length=200)]


Observation = Opened | Picture | Lost

_decoder: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)
_encoder = msgspec.json.Encoder()


def encode(observation: Observation) -> bytes:
    """One line, with its line end."""
    return _encoder.encode(observation) + b"\n"


def decode(line: bytes) -> Observation:
    """One line, with or without its line end. Raises ValueError for anything else."""
    return _decoder.decode(line)
