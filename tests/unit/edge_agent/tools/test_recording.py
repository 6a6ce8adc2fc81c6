from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.tools.recording import MAX_HEADER_BYTES, Opening, body, write_header

OTHERS = b"# Name: a receiver\n#\n# Chipset = SiRF-III\n# Date: 2012-01-19\n#\tcontinued\n$GPGLL,1\r\n# not header\n"


def opened(content: bytes, chunk: int = 1 << 20) -> tuple[Opening, bytes]:
    opening = Opening()
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return opening, b"".join(body(chunks, opening))


@pytest.mark.parametrize("chunk", [1 << 20, 1, 3])
def test_the_header_of_other_people_s_recordings_is_read(chunk):
    opening, data = opened(OTHERS, chunk)
    assert data == b"$GPGLL,1\r\n# not header\n"
    assert opening.header == {"Name": "a receiver", "Chipset": "SiRF-III", "Date": "2012-01-19"}


@given(st.binary(max_size=300), st.integers(1, 200))
def test_a_recording_of_ours_gives_back_its_bytes_whatever_they_are(data, chunk):
    header = {"Name": "truck 12", "Protocol": "nmea", "Note": "two\nlines"}
    opening, found = opened(write_header(header) + data, chunk)
    assert found == data
    assert {key: opening.header[key] for key in header} == header | {"Note": "two lines"}


@given(st.binary(max_size=300).filter(lambda data: not data.startswith(b"#")), st.integers(1, 200))
def test_what_has_no_header_is_all_body(data, chunk):
    assert opened(data, chunk)[1] == data


def test_a_header_that_never_ends_is_no_header():
    endless = b"#" * (MAX_HEADER_BYTES + 10)
    assert opened(endless, 4096)[1] == endless


@pytest.mark.parametrize("content", [b"", b"#", b"# Name: cut o"])
def test_a_file_that_ends_in_its_header_keeps_what_is_no_line(content):
    assert opened(content)[1] == content


@pytest.mark.parametrize(
    ("date", "began_at"),
    [
        ("2012-01-19", datetime(2012, 1, 19, 12, tzinfo=UTC)),
        ("2026-03-01T02:03:04.5Z", datetime(2026, 3, 1, 2, 3, 4, 500_000, tzinfo=UTC)),
        ("2026-03-01T10:03:04+08:00", datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)),
        ("2026-03-01 02:03:04", datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)),
        ("last Tuesday", None),
        ("2026-13-01", None),
    ],
)
def test_the_date_of_a_recording_is_a_day_or_a_time(date, began_at):
    assert opened(f"# Date: {date}\nx".encode())[0].began_at() == began_at


def test_a_recording_without_date_does_not_say_when_it_began():
    assert opened(b"# Name: x\ny")[0].began_at() is None
