"""Every dashboard there is, in the order in which staff meet them."""

from __future__ import annotations

from dashboards.cameras import CAMERAS
from dashboards.gateways import GATEWAYS
from dashboards.kiosks import KIOSKS
from dashboards.overview import OVERVIEW
from dashboards.panels import Dashboard
from dashboards.pipeline import PIPELINE
from dashboards.trucks import TRUCKS

CATALOGUE: tuple[Dashboard, ...] = (OVERVIEW, TRUCKS, KIOSKS, CAMERAS, GATEWAYS, PIPELINE)
