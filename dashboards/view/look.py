"""How a viewer wants things said: what every drawing needs to know and no panel does."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboards.states import Language, Words


class Look(NamedTuple):
    """Language, the county's time zone, and villages by name."""

    language: Language
    zone: ZoneInfo
    villages: dict[str, Words]
