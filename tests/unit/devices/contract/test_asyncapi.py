from pathlib import Path

from devices.contract.asyncapi import build, document
from devices.contract.readings import WireReading

ROOT = Path(__file__).parents[4]


def test_the_committed_document_is_what_the_types_say():
    assert (ROOT / "asyncapi.yaml").read_text(encoding="utf-8") == document(), "run `make asyncapi`"


def test_every_wire_kind_is_described_with_its_units():
    schemas = build("1")["components"]["schemas"]
    for kind in WireReading.__args__:
        assert kind.__name__ in schemas
    assert schemas["TruckPosition"]["properties"]["speed_kmh"]["anyOf"][0]["unit"] == "km/h"


def test_alerts_and_the_countys_own_facts_are_not_on_the_wire():
    assert not {"Alert", "DeviceStatus", "PipelineHealth"} & build("1")["components"]["schemas"].keys()
