"""Tools for people at a desk or beside a device: decode and encode bytes, record a live device, play a recording."""
