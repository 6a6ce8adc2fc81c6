"""The language that both sides of the wire speak: what devices say, and what it means to the county.

No I/O, no clock, no logging happens in here: bytes and times come in as arguments, events go out as values.
`contract` is all that the county knows of devices; `truck`, `kiosk` and `camera` are known to the gateway alone.
"""
