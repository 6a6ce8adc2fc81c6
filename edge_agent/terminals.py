"""Which terminals may call, and the key by which they prove themselves; no phone number leaves this file.

A terminal that nobody listed is either refused or, where the county wants to see it all the same, gets a device id that
is made from its phone number with the gateway's key, so that nobody can find the number from the id.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import b32encode
from collections.abc import Callable, Mapping
from pathlib import Path

KEY_BYTES = 32


class KeyUnusable(Exception):
    """The key file is there but holds no key, or can be neither read nor made; the text names it."""


def load_key(file: Path) -> bytes:
    """The key in the file; made at the first start, for its owner's eyes only. Raises KeyUnusable.

    Whoever deletes it makes every terminal register again.
    """
    try:
        _make(file)
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except OSError as error:
        raise KeyUnusable(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise KeyUnusable(f"{file} holds no key in hexadecimal digits") from error
    if len(key) < 16:
        raise KeyUnusable(f"{file} holds {len(key)} bytes of key: 16 at least")
    return key


def known_terminals(terminals: Mapping[str, str], *, accept_unknown: bool, key: bytes) -> Callable[[str], str | None]:
    """From a phone number, with or without leading zeros, to a device id; None for who may not call."""
    listed = {phone.lstrip("0").upper(): device for phone, device in terminals.items()}

    def device(phone: str) -> str | None:
        bare = phone.lstrip("0").upper()
        found = listed.get(bare)
        if found is None and accept_unknown:
            digest = hmac.digest(key, b"device|" + bare.encode(), hashlib.sha256)
            return f"truck-{b32encode(digest).decode()[:10].lower()}"
        return found

    return device


def _make(file: Path) -> None:
    """Make the key file unless it is there; whole or not at all, whatever happens to the power."""
    if file.exists():
        return
    begun = file.with_name(f".{file.name}.{os.getpid()}")
    begun.touch(mode=0o600)
    with begun.open("w", encoding="ascii") as out:
        out.write(secrets.token_hex(KEY_BYTES))
        out.flush()
        os.fsync(out.fileno())
    begun.replace(file)
