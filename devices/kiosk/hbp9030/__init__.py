"""The OMRON HBP-9030 blood-pressure monitor of the kiosks: one line of text for each measurement (format 5)."""

from devices.kiosk.hbp9030.interpret import Hbp9030Decoder, encode, encode_error

__all__ = ["Hbp9030Decoder", "encode", "encode_error"]
