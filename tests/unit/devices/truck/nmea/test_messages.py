from __future__ import annotations

from datetime import date

import pytest

from devices.events import Damaged
from devices.truck.nmea.frames import Frame
from devices.truck.nmea.messages import Gga, Gll, Gns, Gsa, Rmc, Txt, Vtg, Zda, decode, encode_gga, encode_rmc

_NOON_US = 12 * 3600 * 1_000_000

#: A meaning and its sentence, exactly as we would write it: read in both directions.
BOTH_WAYS = [
    (
        Rmc("GN", _NOON_US + 250_000, True, 30.25, 119.95, 23.5, 84.4, date(2026, 3, 1)),
        "GNRMC,120000.250,A,3015.00000,N,11957.00000,E,23.500,84.40,010326,,,A",
    ),
    (
        Rmc("GP", 0, True, -0.5, -179.5, None, None, date(1999, 12, 31)),
        "GPRMC,000000.000,A,0030.00000,S,17930.00000,W,,,311299,,,A",
    ),
    (Rmc("GP", None, False, None, None, None, None, None), "GPRMC,,V,,,,,,,,,,N"),
    (
        Gga("GB", _NOON_US, True, 30.25, 119.95, 7, 1.25, -12.5),
        "GBGGA,120000.000,3015.00000,N,11957.00000,E,1,07,1.25,-12.50,M,,M,,",
    ),
    (
        Gga("GP", _NOON_US, True, 90.0, 180.0, None, None, None),
        "GPGGA,120000.000,9000.00000,N,18000.00000,E,1,,,,M,,M,,",
    ),
]

#: Real receivers' ways to say things, and what they mean.
READ = [
    (
        "an RMC of 2.0, without mode",
        "GPRMC,045849.000,A,3519.9048,N,13640.2631,E,0.10,92.17,270705,,",
        Rmc("GP", 17_929_000_000, True, 35.331746667, 136.671051667, 0.1, 92.17, date(2005, 7, 27)),
    ),
    (
        "an RMC of 4.1, with navigational status",
        "GNRMC,223745.00,A,3806.62964,N,12237.61382,W,0.040,,110720,,,D,V",
        Rmc("GN", 81_465_000_000, True, 38.110494, -122.626897, 0.04, None, date(2020, 7, 11)),
    ),
    (
        "what an RMC without fix says of a place is not looked at",
        "GPRMC,000416.984,V,36000.0000,N,72000.0000,E,0.000000,,260120,,",
        Rmc("GP", 256_984_000, False, None, None, None, None, date(2020, 1, 26)),
    ),
    (
        "a date of zeros is none",
        "GPRMC,000416,V,,,,,,,000000,,,N",
        Rmc("GP", 256_000_000, False, None, None, None, None, None),
    ),
    (
        "a GGA without fix",
        "GPGGA,212406.000,0000.0000000,N,00000.0000000,E,0,00,0.0,0.000,M,0.000,M,,0000",
        Gga("GP", 77_046_000_000, False, None, None, None, None, None),
    ),
    (
        "99.99 is no dilution of precision",
        "GPGGA,120000,3015.0,N,11957.0,E,1,03,99.99,1.0,M,,M,,",
        Gga("GP", _NOON_US, True, 30.25, 119.95, 3, None, 1.0),
    ),
    (
        "a GNS of which one constellation has a fix",
        "GNGNS,120000,3015.0,N,11957.0,E,NNA,09,0.9,16.5,18.0,,,V",
        Gns("GN", _NOON_US, True, 30.25, 119.95, 9, 0.9, 16.5),
    ),
    ("a GNS without fix", "GNGNS,053229.438,,,,,NNNN,00,,,0.0,,0000", Gns("GN", 19_949_438_000, False, *[None] * 5)),
    ("a GLL", "GPGLL,3015.0,S,11957.0,W,120000,A,A", Gll("GP", _NOON_US, True, -30.25, -119.95)),
    ("a GLL without fix", "GPGLL,,,,,001901.00,V,N", Gll("GP", 1_141_000_000, False, None, None)),
    ("a ZDA", "GPZDA,232712.000,28,03,2016,00,00", Zda("GP", 84_432_000_000, date(2016, 3, 28))),
    ("a ZDA that does not know its date", "GPZDA,232712.000,,,,,", Zda("GP", 84_432_000_000, None)),
    ("a GSA", "GNGSA,A,3,08,10,,,,,,,,,,,1.2,0.9,0.8,1", Gsa("GN", 0.9)),
    ("a GSA without fix", "GPGSA,A,1,,,,,,,,,,,,,50.0,50.0,50.0", Gsa("GP", None)),
    ("a GSA with most of its fields missing", "GPGSA,A,1,,,,", Gsa("GP", None)),
    ("a VTG", "GPVTG,301.9,T,283.6,M,12.5,N,23.2,K,A", Vtg("GP", True, 12.5, 301.9)),
    ("a VTG from before 2.0", "GPVTG,054.7,034.4,005.5,010.2", Vtg("GP", True, 5.5, 54.7)),
    ("a VTG without fix", "GPVTG,,,,,,,,,N", Vtg("GP", False, None, None)),
    ("a text", "GNTXT,01,01,02,ANTSTATUS=OPEN, twice", Txt("GN", "02", "ANTSTATUS=OPEN, twice")),
    ("satellites in view are not ours", "GPGSV,1,1,00", None),
    ("a maker's own sentence", "PQGSA,A,3,12,,,,,,,,,,,,1.2,0.9,0.9,4", None),
    ("a maker's sentence that looks like one of ours", "PGRMC,A,12,34", None),
    ("AIS", "AIVDM,1,1,,A,1,0", None),
    ("an unknown sentence", "GPXYZ,1", None),
    ("nearly nothing", "G", None),
]

#: One wrong field in a sentence with a right checksum, and the reason.
WRONG = [
    ("GPRMC,120000,A,9100.0,N,11957.0,E,1,1,010326,,,A", "RMC latitude '9100.0' 'N'"),
    ("GPRMC,120000,A,8960.0,N,11957.0,E,1,1,010326,,,A", "RMC latitude '8960.0' 'N'"),
    ("GPRMC,120000,A,3015.0,N,18000.1,E,1,1,010326,,,A", "RMC longitude '18000.1' 'E'"),
    ("GPRMC,120000,A,3015.0,X,11957.0,E,1,1,010326,,,A", "RMC latitude '3015.0' 'X'"),
    ("GPRMC,120000,A,3015.0,,11957.0,E,1,1,010326,,,A", "RMC latitude '3015.0' ''"),
    ("GPRMC,120000,A,-3015.0,N,11957.0,E,1,1,010326,,,A", "RMC latitude '-3015.0' 'N'"),
    ("GPRMC,120000,A,,N,11957.0,E,1,1,010326,,,A", "RMC latitude '' 'N'"),
    ("GPRMC,120000,A,0000.000,N,00000.000,E,0,0,010326,,,A", "RMC position 0, 0"),
    ("GPRMC,240000,A,3015.0,N,11957.0,E,1,1,010326,,,A", "RMC time '240000'"),
    ("GPRMC,12000,A,3015.0,N,11957.0,E,1,1,010326,,,A", "RMC time '12000'"),
    ("GPRMC,120000,A,3015.0,N,11957.0,E,1,1,310226,,,A", "RMC date 2026-2-31"),
    ("GPRMC,120000,A,3015.0,N,11957.0,E,1,1,0103,,,A", "RMC date '0103'"),
    ("GPRMC,120000,A,3015.0,N,11957.0,E,nan,1,010326,,,A", "RMC speed 'nan'"),
    ("GPRMC,120000,A,3015.0,N,11957.0,E,1-2,1,010326,,,A", "RMC speed '1-2'"),
    ("GPRMC,120000,A,3015.0,N,11957.0,E,1,361,010326,,,A", "RMC course '361'"),
    ("GPGGA,120000,3015.0,N,11957.0,E,1,256,1.0,1.0,M,,M,,", "GGA satellites '256'"),
    ("GPGGA,120000,3015.0,N,11957.0,E,1,4.5,1.0,1.0,M,,M,,", "GGA satellites '4.5'"),
    ("GPGGA,120000,3015.0,N,11957.0,E,1,05,-1,1.0,M,,M,,", "GGA hdop '-1'"),
    ("GPGGA,120000,3015.0,N,11957.0,E,1,05,1,1_0,M,,M,,", "GGA altitude '1_0'"),
    ("GPZDA,120000,01,01,0001,00,00", "ZDA date 1-1-1"),
    ("GPZDA,120000,1x,01,2026,00,00", "ZDA date '1x'"),
]


@pytest.mark.parametrize(("meaning", "body"), BOTH_WAYS, ids=[row[1][:5] for row in BOTH_WAYS])
def test_a_sentence_is_read_and_written(meaning, body):
    assert decode(Frame(body.encode())) == meaning
    assert (encode_rmc(meaning) if isinstance(meaning, Rmc) else encode_gga(meaning)) == body.encode()


@pytest.mark.parametrize(("body", "meaning"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_what_receivers_say_is_understood(body, meaning):
    assert decode(Frame(body.encode())) == meaning


@pytest.mark.parametrize(("body", "reason"), WRONG)
def test_a_field_that_cannot_mean_anything_is_damage_that_names_it(body, reason):
    damaged = decode(Frame(body.encode()))
    assert isinstance(damaged, Damaged)
    assert damaged.reason == reason
    assert body.encode() in damaged.data


@pytest.mark.parametrize(("mode", "valid"), [(m, True) for m in "ADEFPR"] + [(m, False) for m in "NMS"], ids=str)
def test_estimated_positions_count_and_typed_or_simulated_ones_do_not(mode, valid):
    rmc = decode(Frame(f"GPRMC,120000,A,3015.0,N,11957.0,E,1,1,010326,,,{mode}".encode()))
    gns = decode(Frame(f"GNGNS,120000,3015.0,N,11957.0,E,{mode}{mode},09,0.9,16.5,18.0,,,V".encode()))
    quality = {"A": 1, "D": 2, "P": 3, "R": 4, "F": 5, "E": 6, "M": 7, "S": 8, "N": 0}[mode]
    gga = decode(Frame(f"GPGGA,120000,3015.0,N,11957.0,E,{quality},05,1,1,M,,M,,".encode()))
    for read in (rmc, gns, gga):
        assert isinstance(read, Rmc | Gns | Gga)
        assert read.valid is valid
        assert (read.latitude is not None) is valid


def test_a_leap_second_is_a_time():
    zda = decode(Frame(b"GPZDA,235960.50,31,12,2016,00,00"))
    assert zda == Zda("GP", 86_400_500_000, date(2016, 12, 31))
