"""The shape of a rule, and how an alert gets the id that makes a replay raise nothing twice.

A rule takes the state over, and may change and return the very same object: whoever calls it keeps only what it
gives back. `step` is called in the order of arrival, which is not the order of events; a reading may come twice.
Whatever is in the outcomes is written over what was written before under the same rule, device and `at`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from cloud_ingest.registry import Device
from devices.contract.readings import Alert, Reading

R = TypeVar("R", bound=Reading)
S = TypeVar("S", bound="Memory")

#: The outcome of nearly every reading.
NOTHING: tuple[Alert, ...] = ()


class Memory(Protocol):
    """What a rule remembers of one device. Without what came since `news` last changed, the rule would say the same."""

    @property
    def news(self) -> int:
        """Grows with every reading that mattered."""
        ...


class Rule(Protocol[S, R]):
    """A watch over one kind of reading. `state` is the type of what it remembers of a device: msgspec can write it."""

    name: str
    reads: type[R]
    state: type[S]

    def step(self, state: S, reading: R, device: Device | None) -> tuple[S, Sequence[Alert]]:
        """Take one reading of a device (its entry in the registry, if it has one): the state after it, and alerts."""
        ...


def alert_id(rule: str, device: str, at: datetime) -> str:
    """The stable id of the alert that a rule raises for a device at a time: the same evidence, the same id."""
    evidence = f"{rule}\0{device}\0{milliseconds(at)}"
    return f"{rule}-{hashlib.blake2s(evidence.encode(), digest_size=8).hexdigest()}"


def milliseconds(at: datetime) -> int:
    """Since 1970, UTC: the stores' resolution of time."""
    return int(at.timestamp() * 1000)


def evidence(**facts: Any) -> str:  # noqa: ANN401 - evidence is any JSON
    """The evidence column: JSON, times in RFC 3339."""
    return msgspec.json.encode(facts).decode()
