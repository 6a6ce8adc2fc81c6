from __future__ import annotations

import pytest

from devices.truck.nmea import NmeaDecoder
from tests.unit.devices.truck.nmea.receiver import NOW, heard, positions, said, sentence


def rmc(time: str, speed: str = "10.0", status: str = "A") -> str:
    return f"GNRMC,{time},{status},3015.0,N,11957.0,E,{speed},90.0,010326,,,{'A' if status == 'A' else 'N'}"


def gga(time: str, quality: int = 1, altitude: str = "20.0") -> str:
    return f"GNGGA,{time},3015.0,N,11957.0,E,{quality},07,1.1,{altitude},M,,M,,"


def gll(time: str) -> str:
    return f"GNGLL,3015.0,N,11957.0,E,{time},A,A"


def test_a_burst_with_one_time_is_one_position_with_what_each_sentence_knows():
    (position,) = positions(
        heard(
            said(
                rmc("020304.00"),
                "GNVTG,90.0,T,,M,10.0,N,18.5,K,A",
                gga("020304"),
                "GNGSA,A,3,08,10,,,,,,,,,,,1.2,0.9,0.8,1",
                "GPGSV,1,1,00",
                gll("020304.000"),
            )
        )
    )
    assert position.at.isoformat() == "2026-03-01T02:03:04+00:00"
    assert position.clock == "gnss"
    assert (position.latitude, position.longitude) == (30.25, 119.95)
    assert position.speed_kmh == 18.52
    assert position.course_deg == 90.0
    assert (position.altitude_m, position.satellites, position.hdop) == (20.0, 7, 1.1)


def test_speed_comes_from_vtg_where_there_is_no_rmc():
    (position,) = positions(heard(said(gga("020304"), "GNVTG,45.0,T,,M,20.0,N,37.0,K,A", "GNZDA,020304,01,03,2026,,")))
    assert (position.speed_kmh, position.course_deg) == (37.04, 45.0)


def test_satellites_of_all_constellations_win_over_those_of_gps_alone():
    gns = "GNGNS,020304,3015.0,N,11957.0,E,AAN,19,0.6,20.0,18.0,,,V"
    for burst in ((gga("020304"), gns, rmc("020304")), (gns, gga("020304"), rmc("020304"))):
        (position,) = positions(heard(said(*burst)))
        assert (position.satellites, position.hdop) == (19, 0.6)


def test_dilution_of_precision_comes_from_gsa_where_nothing_else_says_it():
    (position,) = positions(heard(said(rmc("020304"), "GNGSA,A,3,08,10,,,,,,,,,,,1.2,0.9,0.8,1")))
    assert position.hdop == 0.9


@pytest.mark.parametrize(
    ("burst", "located"),
    [
        ((gga("020304"), rmc("020304", status="V")), False),
        ((rmc("020304", status="V"), gll("020304")), False),
        ((rmc("020304"), gga("020304", quality=0)), True),
        ((gga("020304", quality=0), gll("020304")), False),
        (("GNGNS,020304,3015.0,N,11957.0,E,AN,09,0.9,16.5,18.0,,,V", gga("020304", quality=0)), True),
        (("GLGLL,,,,,020304,V,N", gll("020304")), True),
        (("GPRMC,020304,V,,,,,,,010326,,,N", rmc("020304")), True),
    ],
)
def test_where_a_receiver_contradicts_itself_its_weightiest_sentence_counts(burst, located):
    assert bool(positions(heard(said(*burst)))) is located


def test_a_sentence_that_comes_after_the_next_time_makes_no_second_position():
    stream = b"".join(
        said(gga(f"0203{s:02d}"), rmc(f"0203{s:02d}"), *([gll(f"0203{s - 1:02d}")] if s else [])) for s in range(40)
    )
    found = positions(heard(stream))
    assert [position.at.second for position in found] == [*range(40)]
    assert all(position.altitude_m == 20.0 for position in found)


def test_a_sentence_without_time_ends_the_fix_before_it():
    events = heard(said(rmc("020304"), "GPGGA,,,,,,0,,,,,,,,", "GPGSA,A,3,1,,,,,,,,,,,,9.9,9.9,9.9"))
    (position,) = positions(events)
    assert position.hdop is None


class Listener:
    """Counts the positions that are there after each sentence."""

    def __init__(self) -> None:
        self._decoder = NmeaDecoder("truck-1")

    def after(self, body: str) -> int:
        return len(positions(self._decoder.feed(sentence(body), NOW)))


def test_the_end_of_a_cycle_is_learned_and_then_a_position_is_there_at_once():
    listener = Listener()
    seen = [(listener.after(rmc(f"0203{second:02d}")), listener.after(gga(f"0203{second:02d}"))) for second in range(6)]
    # Two cycles to learn, told by the next one's begin; from the third on the last sentence completes its own epoch.
    assert seen == [(0, 0), (1, 0), (1, 1), (0, 1), (0, 1), (0, 1)]


def test_a_learned_cycle_still_gives_each_position_once():
    stream = b"".join(said(rmc(f"0203{s:02d}"), gga(f"0203{s:02d}"), gll(f"0203{s:02d}")) for s in range(50))
    found = positions(heard(stream))
    assert [position.at.second for position in found] == list(range(50))
    assert all(position.altitude_m == 20.0 and position.speed_kmh == 18.52 for position in found)


def test_a_receiver_that_says_more_now_and_then_gets_one_position_each_time_too():
    stream = b"".join(said(rmc(f"0203{s:02d}"), *([gga(f"0203{s:02d}")] if s % 5 == 4 else [])) for s in range(60))
    found = positions(heard(stream))
    assert [position.at.second for position in found] == list(range(60))
    with_altitude = [position.at.second for position in found if position.altitude_m is not None]
    # Some are lost while the end of the cycle is being learned wrongly, each time after twice as many cycles.
    assert set(with_altitude) <= set(range(4, 60, 5))
    assert len(with_altitude) >= 9


def test_the_cycle_is_learned_anew_when_it_changes():
    listener = Listener()
    for second in range(10):
        listener.after(rmc(f"0203{second:02d}"))
        listener.after(gga(f"0203{second:02d}"))
    counts = [listener.after(rmc(f"0203{second:02d}")) for second in range(10, 20)]
    # The first is late by one cycle until RMC alone is known to end one; none is lost.
    assert counts[0] == 0
    assert sum(counts) == 10
    assert counts[-1] == 1
