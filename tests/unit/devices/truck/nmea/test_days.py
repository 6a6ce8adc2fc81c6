from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devices.truck.nmea import NmeaDecoder
from devices.truck.nmea.days import PATIENCE_EPOCHS
from tests.unit.devices.truck.nmea.receiver import NOW, UNKNOWN, heard, positions, said, sentence


def rmc(time: str, day: str = "010326") -> str:
    return f"GNRMC,{time},A,3015.0,N,11957.0,E,1.0,90.0,{day},,,A"


def gga(time: str) -> str:
    return f"GNGGA,{time},3015.0,N,11957.0,E,1,07,1.1,20.0,M,,M,,"


def times(stream: bytes, received_at: datetime = NOW) -> list[tuple[str, str]]:
    return [(f"{p.at:%Y-%m-%d %H:%M:%S}", p.clock) for p in positions(heard(stream, received_at))]


def test_a_time_without_date_waits_for_one():
    decoder = NmeaDecoder("truck-1")
    for second in range(5):
        assert decoder.feed(sentence(gga(f"02030{second}")), NOW) == []
    events = decoder.feed(said(rmc("020305"), gga("020306")), NOW)
    assert [(p.at.day, p.at.second, p.clock) for p in positions(events)] == [(1, s, "gnss") for s in range(6)]


def test_zda_gives_a_date_too():
    assert times(said(gga("020304"), "GNZDA,020304,28,02,2026,00,00")) == [("2026-02-28 02:03:04", "gnss")]


def test_zda_with_a_time_of_its_own_gives_a_date_too():
    assert times(said(gga("020304"), "GNZDA,020304.5,28,02,2026,00,00", gga("020305")), UNKNOWN) == [
        ("2026-02-28 02:03:04", "gnss"),
        ("2026-02-28 02:03:05", "gnss"),
    ]


def test_those_that_waited_over_midnight_are_on_the_day_before():
    assert times(said(gga("235958"), gga("235959"), gga("000000"), rmc("000001"))) == [
        ("2026-02-28 23:59:58", "gnss"),
        ("2026-02-28 23:59:59", "gnss"),
        ("2026-03-01 00:00:00", "gnss"),
        ("2026-03-01 00:00:01", "gnss"),
    ]


def test_midnight_between_the_sentences_of_a_burst_is_a_new_day():
    stream = said(rmc("235959", "280226"), gga("235959"), gga("000000"), rmc("000000", "010326"), gga("000001"))
    assert times(stream) == [
        ("2026-02-28 23:59:59", "gnss"),
        ("2026-03-01 00:00:00", "gnss"),
        ("2026-03-01 00:00:01", "gnss"),
    ]


def test_a_leap_second_is_the_last_moment_before_the_next_day():
    assert times(said(rmc("235960", "311216")), UNKNOWN) == [("2017-01-01 00:00:00", "gnss")]


def test_without_any_date_the_day_is_that_of_reception():
    assert times(said(gga("020304"), gga("020305"))) == [
        ("2026-03-01 02:03:04", "gateway"),
        ("2026-03-01 02:03:05", "gateway"),
    ]


def test_the_day_of_reception_is_the_nearest_one():
    assert times(said(gga("235959")), datetime(2026, 3, 1, 0, 0, 5, tzinfo=UTC)) == [("2026-02-28 23:59:59", "gateway")]
    assert times(said(gga("000001")), datetime(2026, 2, 28, 23, 59, 58, tzinfo=UTC)) == [
        ("2026-03-01 00:00:01", "gateway")
    ]


def test_a_stream_without_dates_is_not_waited_for_for_ever():
    decoder = NmeaDecoder("truck-1")
    counts = []
    for second in range(PATIENCE_EPOCHS + 20):
        time = f"02{second // 60:02d}{second % 60:02d}"
        counts.append(len(positions(decoder.feed(sentence(gga(time)), NOW))))
    assert sum(counts[: PATIENCE_EPOCHS - 1]) == 0
    assert max(counts) == PATIENCE_EPOCHS
    assert counts[-1] == 1


def test_a_recording_without_dates_goes_on_over_midnight():
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    stream = b"".join(sentence(gga(time)) for time in ("225959", "235959", "000000", "003000", "120000", "235959"))
    assert [time for time, _ in times(stream, noon)] == [
        "2026-03-01 22:59:59",
        "2026-03-01 23:59:59",
        "2026-03-02 00:00:00",
        "2026-03-02 00:30:00",
        "2026-03-02 12:00:00",
        "2026-03-02 23:59:59",
    ]


def test_where_nothing_says_the_day_the_clock_is_not_to_be_believed():
    assert times(said(gga("180304"), gga("235959"), gga("000001")), UNKNOWN) == [
        ("1970-01-01 18:03:04", "unsynchronised"),
        ("1970-01-01 23:59:59", "unsynchronised"),
        ("1970-01-02 00:00:01", "unsynchronised"),
    ]


def test_after_a_long_silence_the_old_date_is_not_trusted_for_a_time_alone():
    decoder = NmeaDecoder("truck-1")
    decoder.feed(said(rmc("020304"), gga("020305")), NOW)
    later = NOW + timedelta(days=3)
    assert positions(decoder.feed(said(gga("020401"), gga("020402")), later))[:1][0].at.second == 5
    after = positions(decoder.feed(said(rmc("020403", "040326"), gga("020404")), later))
    assert [f"{p.at:%d %H:%M:%S}" for p in after] == ["04 02:04:01", "04 02:04:02", "04 02:04:03"]


@pytest.mark.parametrize(
    ("said_day", "received", "at"),
    [
        ("160706", datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01"),  # exactly 1024 weeks early
        ("010326", datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01"),
        ("010326", datetime(2016, 1, 1, tzinfo=UTC), "2026-03-01"),  # a gateway in the past does not make GNSS wrong
        ("010326", datetime(2033, 1, 1, tzinfo=UTC), "2026-03-01"),  # less than half a rollover: an old recording
        ("300180", datetime(2019, 5, 1, tzinfo=UTC), "2019-05-01"),  # two rollovers
        ("160706", UNKNOWN, "2006-07-16"),  # nobody knows better
    ],
)
def test_a_week_number_that_rolled_over_is_put_right_where_reception_asks_for_it(said_day, received, at):
    ((time, clock),) = times(said(rmc("000000", said_day)), received)
    assert time.startswith(at)
    assert clock == "gnss"
