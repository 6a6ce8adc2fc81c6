"""An InfluxQL target of a Grafana panel: the SDK has no model of InfluxDB's queries, so this one is ours.

The fields are those of Grafana's InfluxDB data source (`InfluxQuery` in grafana/grafana,
public/app/plugins/datasource/influxdb/types.ts); reading them back lets the round trip through the SDK be compared.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.variants import Dataquery

SOURCE_TYPE = "influxdb"
#: The data source's uid in `config/grafana/provisioning/datasources`.
SOURCE_UID = "county-influx"

Format = Literal["table", "time_series"]


class InfluxQuery(Dataquery):
    """One raw InfluxQL statement and how its answer is to be read."""

    def __init__(self, ref_id: str, query: str, result_format: Format, alias: str = "") -> None:
        self.ref_id = ref_id
        self.query = query
        self.result_format = result_format
        self.alias = alias

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        return {
            "refId": self.ref_id,
            "query": self.query,
            "rawQuery": True,
            "resultFormat": self.result_format,
            "datasource": {"type": SOURCE_TYPE, "uid": SOURCE_UID},
            **({"alias": self.alias} if self.alias else {}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(data["refId"], data["query"], data["resultFormat"], data.get("alias", ""))


def register() -> None:
    """Let the SDK read our targets back as what they are."""
    runtime.register_dataquery_variant(runtime.DataqueryConfig(SOURCE_TYPE, InfluxQuery.from_json))
