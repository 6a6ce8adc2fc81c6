"""Muck trucks: NMEA 0183 receivers and JT/T 808 terminals, from bytes to positions and back."""
