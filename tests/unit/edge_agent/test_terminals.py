from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge_agent.terminals import KeyUnusable, known_terminals, load_key

KEY = b"k" * 32


@pytest.mark.parametrize("phone", ["000000001111", "00000001111", "00000000000000001111"])
def test_a_listed_terminal_is_known_with_and_without_leading_zeros(phone: str) -> None:
    device = known_terminals({"000000001111": "truck-7"}, accept_unknown=False, key=KEY)

    assert device(phone) == "truck-7"


def test_who_is_not_listed_may_not_call() -> None:
    assert known_terminals({"00000001111": "truck-7"}, accept_unknown=False, key=KEY)("13900000000") is None


def test_a_stranger_that_may_call_gets_an_id_from_which_nobody_finds_the_number() -> None:
    device = known_terminals({"00000001111": "truck-7"}, accept_unknown=True, key=KEY)
    other_gateway = known_terminals({}, accept_unknown=True, key=b"o" * 32)

    name = device("013900000000")

    assert name is not None
    assert name == device("13900000000") != other_gateway("13900000000")
    assert name.startswith("truck-")
    assert "139" not in name
    assert device("00000001111") == "truck-7"


def test_the_key_is_made_once_and_for_its_owners_eyes_only(tmp_path: Path) -> None:
    file = tmp_path / "jt808.key"

    key = load_key(file)

    assert len(key) == 32
    assert load_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", ["", "no key", "0011"])
def test_a_file_without_a_key_is_refused_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "jt808.key"
    file.write_text(content)

    with pytest.raises(KeyUnusable, match=r"jt808\.key"):
        load_key(file)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="No such file"):
        load_key(tmp_path / "absent" / "jt808.key")
