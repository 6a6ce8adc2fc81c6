"""What the county watches for: pure functions over readings, a small state for each device, alerts as outcomes."""

from cloud_ingest.rules.rule import Rule

__all__ = ["Rule"]
