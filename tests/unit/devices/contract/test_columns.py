import msgspec
import pytest

from devices.contract.columns import PLACE_COLUMNS, column, columns
from devices.contract.readings import KINDS, Alert, CameraHealth, TruckPosition, kind_of


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_stored_field_is_a_column_with_titles_in_both_languages(kind):
    assert {c.name for c in columns(kind)} | {"at"} == set(kind.__struct_fields__)
    for c in columns(kind):
        assert c.en, c.name
        assert c.zh, c.name
        assert c.en != c.name, f"{c.name} has no English title"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_tags_come_first_and_are_text(kind):
    leading = columns(kind)[: len(kind.tags)]
    assert tuple(c.name for c in leading) == kind.tags
    assert all(c.tag and c.type == "str" and c.required for c in leading)


def test_units_bounds_and_choices_come_from_the_struct():
    assert column(TruckPosition, "speed_kmh").unit == "km/h"
    assert column(TruckPosition, "speed_kmh").type == "float"
    assert not column(TruckPosition, "speed_kmh").required
    assert column(TruckPosition, "satellites").type == "int"
    assert column(TruckPosition, "backfill").type == "bool"
    assert column(CameraHealth, "state").choices[0] == "online"
    assert column(Alert, "rule").tag


def test_every_kind_can_be_placed():
    assert [c.name for c in PLACE_COLUMNS] == ["gateway", "site", "village"]
    assert column(TruckPosition, "village").type == "str"


def test_asking_for_what_is_not_stored_names_the_kind_and_the_column():
    with pytest.raises(KeyError, match="TruckPosition has no column 'speed_mph'"):
        column(TruckPosition, "speed_mph")


def test_a_kind_is_registered_under_its_tag():
    assert all(kind_of(kind) == name for name, kind in KINDS.items())
    assert all(isinstance(kind, type) and issubclass(kind, msgspec.Struct) for kind in KINDS.values())
