"""GNSS receivers that speak NMEA 0183 over a serial line: a truck's position, once per fix.

`frames` cuts sentences, `messages` reads them, `epochs` groups them, `days` gives each group its date and `interpret`
makes positions of them.
"""

from devices.truck.nmea.interpret import NmeaDecoder, encode

__all__ = ["NmeaDecoder", "encode"]
