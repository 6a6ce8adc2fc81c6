"""Authentication codes that need no memory: a terminal that registered before a restart is still known after it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Callable, Mapping

#: Letters and digits only, and short enough for every terminal's field.
CODE_CHARACTERS = 16


def keyed_codes(key: bytes, fixed: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """A function from a terminal's phone to its code: HMAC-SHA256 of the phone under `key`, 16 characters A-Z, 2-7.

    `fixed` gives terminals (by phone) a code of their own, for those that cannot register. Leading zeros of a phone
    make no difference. Raises ValueError for a key of less than 16 bytes.
    """
    if len(key) < 16:
        raise ValueError(f"a key of {len(key)} bytes can be guessed: 16 at least")
    own = {phone.lstrip("0"): code for phone, code in (fixed or {}).items()}

    def code(phone: str) -> str:
        bare = phone.lstrip("0")
        if bare in own:
            return own[bare]
        digest = hmac.digest(key, bare.encode(), hashlib.sha256)
        return b32encode(digest).decode()[:CODE_CHARACTERS]

    return code
