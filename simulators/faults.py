"""Faults of a wire, as transformers of what a device sends: composable, seeded, each with a chance per message.

A transformer takes one message's bytes and gives what the wire carries instead: nothing, less, more or other bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

#: One message in, what comes out of the wire in pieces.
Fault = Callable[[bytes], list[bytes]]


def drop(rng: random.Random, chance: float) -> Fault:
    """The message is lost."""
    return lambda data: [] if rng.random() < chance else [data]


def flip(rng: random.Random, chance: float) -> Fault:
    """One bit of the message turns over."""

    def hurt(data: bytes) -> list[bytes]:
        if not data or rng.random() >= chance:
            return [data]
        position = rng.randrange(len(data))
        return [data[:position] + bytes([data[position] ^ (1 << rng.randrange(8))]) + data[position + 1 :]]

    return hurt


def noise(rng: random.Random, chance: float, longest: int = 40) -> Fault:
    """Random bytes come before the message."""
    return lambda data: [rng.randbytes(rng.randint(1, longest)), data] if rng.random() < chance else [data]


def split(rng: random.Random, chance: float) -> Fault:
    """The message arrives in two pieces."""

    def cut(data: bytes) -> list[bytes]:
        if len(data) < 2 or rng.random() >= chance:
            return [data]
        position = rng.randrange(1, len(data))
        return [data[:position], data[position:]]

    return cut


def duplicate(rng: random.Random, chance: float) -> Fault:
    """The message arrives twice."""
    return lambda data: [data, data] if rng.random() < chance else [data]


def chain(faults: Iterable[Fault]) -> Fault:
    """All of them, one after the other, over every piece."""
    chosen = tuple(faults)

    def through(data: bytes) -> list[bytes]:
        pieces = [data]
        for fault in chosen:
            pieces = [out for piece in pieces for out in fault(piece)]
        return pieces

    return through


def wrong_clock(offset: timedelta) -> Callable[[datetime], datetime]:
    """A device whose clock is off by this much."""
    return lambda at: at + offset
