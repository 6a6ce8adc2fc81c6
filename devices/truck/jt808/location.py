"""The location report: the 28-byte basic block and the items behind it, as fields (JT/T 808-2013 table 23 and on).

    00000400 00000800 07203B7E 02633DF7 0138 0003 0063 241001235959   01 04 00003039   31 01 0B
    alarm    status   lat      lon      alt  spd  crs  time GMT+8     |  |  1,234.5 km     11 satellites
                      micro-degrees     m    0.1  deg                 |  length
                                             km/h                     item
The words' bits are in `positions`. Makers add items of their own (E1-FF, and others): they stay hex.
"""

from __future__ import annotations

from devices.truck.jt808.fields import Field, Layout, Maybe, Number, Repeat, Time, Tlv

_BLOCK: tuple[tuple[str, Field], ...] = (
    ("alarm", Number("I")),
    ("status", Number("I")),
    ("latitude_udeg", Number("I")),
    ("longitude_udeg", Number("I")),
    # The standard's WORD; below sea level terminals send it signed, which `positions` heeds.
    ("altitude_m", Number("H")),
    ("speed_100m_h", Number("H")),
    ("course_deg", Number("H")),
    ("time", Time()),
)
BLOCK_BYTES = 28

#: Standard items by id; `_100m` is 0.1 km, `_dl` 0.1 L, `_100m_h` 0.1 km/h.
ITEMS: dict[int, Layout] = {
    0x01: Layout(("mileage_100m", Number("I"))),
    0x02: Layout(("fuel_dl", Number("H"))),
    0x03: Layout(("recorder_speed_100m_h", Number("H"))),
    0x04: Layout(("confirm_event", Number("H"))),
    0x05: Layout(("tyre_pressure", Repeat(Number("B")))),
    0x06: Layout(("carriage_temperature_sign_magnitude", Number("H"))),
    0x11: Layout(("overspeed_area_type", Number("B")), ("area", Maybe(Number("I")))),
    0x12: Layout(("area_type", Number("B")), ("area", Number("I")), ("leaving", Number("B"))),
    0x13: Layout(("segment", Number("I")), ("driven_s", Number("H")), ("too_long", Number("B"))),
    0x14: Layout(("video_alarms", Number("I"))),
    0x15: Layout(("video_loss", Number("I"))),
    0x16: Layout(("video_covered", Number("I"))),
    0x17: Layout(("storage_faults", Number("H"))),
    0x18: Layout(("abnormal_driving", Number("H"))),
    0x25: Layout(("vehicle_signals", Number("I"))),
    0x2A: Layout(("io", Number("H"))),
    0x2B: Layout(("analog_0", Number("H")), ("analog_1", Number("H"))),
    0x30: Layout(("signal_strength", Number("B"))),
    0x31: Layout(("satellites", Number("B"))),
}

#: The block alone, as it stands in 0801.
BLOCK = Layout(*_BLOCK)
#: A whole report: block, items, and what of a damaged last item is left over.
REPORT = Layout(*_BLOCK, ("items", Tlv(1, ITEMS)), open_=True)
