"""What travels between the gateway and the county: readings, the messages that carry them, topics and columns.

A stored field is defined once, in `readings`; the ingest's check, the store's column, the dashboard's query and
`asyncapi.yaml` are all derived from it.
"""

from devices.contract.readings import (
    Alert,
    BloodPressure,
    CameraHealth,
    DeviceLink,
    DeviceStatus,
    GatewayHealth,
    PipelineHealth,
    Reading,
    Stored,
    TruckPosition,
    WireReading,
)

__all__ = [
    "Alert",
    "BloodPressure",
    "CameraHealth",
    "DeviceLink",
    "DeviceStatus",
    "GatewayHealth",
    "PipelineHealth",
    "Reading",
    "Stored",
    "TruckPosition",
    "WireReading",
]
