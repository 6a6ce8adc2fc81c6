"""What a gateway says of itself on the broker: its birth, and a retained state whose last will is `lost`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from devices.contract.message import Birth, DeviceBirth, State, encode
from devices.contract.topics import Topic


class Said(NamedTuple):
    """A message of presence: its topic's name, its JSON, and whether the broker keeps it for those who come later."""

    topic: str
    payload: bytes
    retain: bool


class Presence(NamedTuple):
    """One start of one gateway, with its software's version and the devices it reads."""

    gateway: str
    boot: str
    software: str
    devices: Sequence[DeviceBirth]

    def birth(self, at: datetime) -> Said:
        """Who this is; said after each connect."""
        born = Birth(gateway=self.gateway, boot=self.boot, at=at, software=self.software, devices=list(self.devices))
        return Said(str(Topic(self.gateway, "birth")), encode(born), retain=False)

    def online(self, at: datetime) -> Said:
        """The gateway is connected."""
        return self._state(State(gateway=self.gateway, boot=self.boot, state="online", at=at))

    def stopped(self, at: datetime) -> Said:
        """The gateway goes in an orderly way."""
        return self._state(State(gateway=self.gateway, boot=self.boot, state="offline", at=at, reason="stopped"))

    def lost(self, at: datetime) -> Said:
        """The last will: what the broker says when the gateway is gone without a word. `at` is the connect's time."""
        return self._state(State(gateway=self.gateway, boot=self.boot, state="offline", at=at, reason="lost"))

    def _state(self, state: State) -> Said:
        return Said(str(Topic(self.gateway, "state")), encode(state), retain=True)
