"""Authentication codes: the same after a restart, another for every terminal and key."""

from __future__ import annotations

import pytest

from devices.truck.jt808.codes import CODE_CHARACTERS, keyed_codes

KEY = bytes(range(16))


def test_a_code_is_the_same_after_a_restart() -> None:
    assert keyed_codes(KEY)("13300001111") == keyed_codes(KEY)("13300001111")


def test_leading_zeros_make_no_difference() -> None:
    code = keyed_codes(KEY)
    assert code("013300001111") == code("13300001111") == code("00000000013300001111")


def test_terminals_and_keys_have_codes_of_their_own() -> None:
    codes = {keyed_codes(key)(phone) for key in (KEY, KEY[::-1]) for phone in ("1", "2", "10")}
    assert len(codes) == 6


def test_a_code_is_sixteen_letters_and_digits() -> None:
    code = keyed_codes(KEY)("13300001111")
    assert len(code) == CODE_CHARACTERS
    assert code.isalnum()
    assert code.isascii()


def test_a_terminal_may_have_a_fixed_code() -> None:
    code = keyed_codes(KEY, {"013300001111": "OLD"})
    assert code("13300001111") == "OLD"
    assert code("13300002222") != "OLD"


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="15 bytes"):
        keyed_codes(bytes(15))
