from datetime import UTC, datetime, timedelta

from devices.contract.readings import TruckPosition
from devices.truck.nmea import NmeaDecoder, encode
from simulators.recording import play

THEN = datetime(2011, 5, 6, 23, 59, 58, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)
HERE = (119.93, 30.52)


def recording() -> list[bytes]:
    """Four seconds over midnight in the southern hemisphere, with a proprietary sentence and a damaged one."""
    lines = [b"$PGRME,0.00,M*00\r\n", b"$GPRMC,damaged*FF\r\n"]
    for second in range(4):
        at = THEN + timedelta(seconds=second)
        there = TruckPosition(device="d", at=at, latitude=-33.5 + second / 1000, longitude=151.0, speed_kmh=36.0)
        lines += encode(there, "GP").splitlines(keepends=True)
    return lines


def test_a_recording_is_played_as_if_it_were_here_and_now():
    decoder = NmeaDecoder("truck-1")
    played = list(play(recording(), NOW, HERE))
    events = [event for line in played for event in decoder.feed(line.data, NOW)] + decoder.finish(NOW)
    positions = [event for event in events if isinstance(event, TruckPosition)]
    assert [position.at for position in positions] == [NOW + timedelta(seconds=n) for n in range(4)]
    assert abs(positions[0].latitude - HERE[1]) < 1e-5
    assert abs(positions[0].longitude - HERE[0]) < 1e-5
    assert abs(positions[3].latitude - positions[0].latitude - 0.003) < 1e-5
    assert all(abs(position.speed_kmh - 36.0) < 0.01 for position in positions)


def test_what_is_no_intact_sentence_is_played_as_it_was_recorded():
    played = [line.data for line in play(recording(), NOW, HERE)]
    assert played[:2] == recording()[:2]


def test_lines_are_due_by_the_recordings_own_time():
    dues = [line.due for line in play(recording(), NOW, HERE) if line.due is not None]
    assert dues == sorted(dues)
    assert dues[-1] == timedelta(seconds=3)
