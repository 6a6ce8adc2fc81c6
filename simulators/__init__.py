"""Devices without hardware, entering by real wires; the whole county for a demo; the real servers for tests."""
