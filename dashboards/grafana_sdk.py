"""The SDK's models, imported in one place: importing its classic dashboard warns that Grafana 12 has a newer schema.

The classic one is what Grafana 10.4 to 13 all read from files (docs/adr/0007), so the warning is noted and silenced.
"""

from __future__ import annotations

import warnings

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        geomap,
        stat,
        statetimeline,
        table,
        timeseries,
    )
    from grafana_foundation_sdk.models import dashboard as model

__all__ = [
    "JSONEncoder",
    "bargauge",
    "common",
    "geomap",
    "model",
    "register_default_plugins",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]
