"""How long to wait before trying again: exponential with jitter, so that a county of gateways does not return as one.

Source: "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), full jitter, but for a floor against spinning.
"""

from __future__ import annotations

import random


def backoff(attempt: int, low_s: float = 1, high_s: float = 60) -> float:
    """Seconds to wait before retry `attempt` (0 is the first): up to `low_s` doubled each time, at most `high_s`.

    Drawn evenly from all of that range but its lowest tenth: nothing that calls this can spin.
    """
    longest = min(high_s, low_s * 2.0 ** min(attempt, 30))
    return random.uniform(longest / 10, longest)
