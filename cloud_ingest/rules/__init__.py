"""Rules: pure functions from readings to alerts. No I/O, no clock, no logging: time comes in as an argument."""
