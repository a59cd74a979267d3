"""The registry's record types: binding names, validation, marks."""

import pytest

from jinyun.domains.registry import DOMAIN
from jinyun.kernel.errors import InvalidRecord
from jinyun.kernel.terms import SITE_KINDS

TYPES = {one.id: one for one in DOMAIN.records}
NAMES = {
    "enterprise": "name uscc industry address place jurisdiction contact phone management legal_person key_unit",
    "site": "name kind place jurisdiction enterprise river order_km upstream target_class body zone day_hours "
    "point_kind not_monitored note",
    "outlet": "name code kind site enterprise receiving_water reference_o2 process standard standard_group "
    "standard_stage standard_conditions fuel built stack_height buildings_height facilities permit place",
    "permit_limit": "outlet factor period limit unit converted valid_from valid_to basis permit",
    "facility": "name code kind enterprise process capacity capacity_unit place commissioned retired photos note",
    "permit": "number enterprise management authority issued_on valid_from valid_to scan note",
    "standard_limit": "standard table_no item item_zh group condition stage period op value value_hi unit "
    "reference_o2 source note valid_from valid_to",
    "device": "mn name site system edition password crc pm_unit encoding realtime_interval minute_interval "
    "always_answer label_end set_up set_clock sm4_key periods vendor",
}


@pytest.mark.parametrize("type_id", NAMES)
def test_field_names_are_the_agreed_ones_and_all_have_words(type_id):
    kind = TYPES[type_id]
    assert [one.name for one in kind.fields] == NAMES[type_id].split()
    assert all(one.zh and one.en for one in kind.fields)
    assert all(name in NAMES[type_id].split() for name in kind.listed)


def test_every_site_kind_has_words():
    assert set(TYPES["site"].field("kind").codes) == set(SITE_KINDS)


def test_secret_and_personal_marks():
    assert {f.name for f in TYPES["device"].fields if f.secret} == {"password", "sm4_key"}
    assert {f.name for f in TYPES["enterprise"].fields if f.personal} == {
        "contact", "phone", "legal_person",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("type_id", "field", "value", "says"),
    [
        ("enterprise", "uscc", "91130200699229617Y", "character 18 should be 'X'"),
        ("enterprise", "uscc", "123", "has 3 characters"),
        ("enterprise", "jurisdiction", "北碚", "does not have the form"),
        ("site", "kind", "lake", "is not one of"),
        ("site", "target_class", 6, "above 5"),
        ("permit_limit", "factor", "cod", "did you mean"),
        ("permit_limit", "limit", "-1", "below 0"),
        ("permit_limit", "period", "month", "is not one of hour, day"),
        ("outlet", "reference_o2", "22", "above 21"),
        ("device", "mn", "a b", "does not have the form"),
        ("device", "sm4_key", "00", "does not have the form"),
        ("device", "periods", ["hour", "year"], "is not one of"),
    ],
)
def test_bad_values_are_refused_with_the_rule(type_id, field, value, says):
    with pytest.raises(InvalidRecord) as wrong:
        TYPES[type_id].validate({field: value}, partial=True)
    assert says in wrong.value.problems[field]


@pytest.mark.parametrize(
    ("type_id", "field", "value"),
    [
        ("enterprise", "uscc", "91130200699229617X"),
        ("enterprise", "industry", "2221"),
        ("site", "jurisdiction", "500109107"),
        ("device", "mn", "010000A8900016F000169DC0"),  # HJ 212-2017 annex A
        ("device", "mn", "88888880000001"),  # the shape of 2005
        ("device", "mn", "A110000_0001"),  # national surface-water stations
        ("permit_limit", "factor", "cod_cr"),
        ("permit_limit", "limit", "0"),
    ],
)
def test_good_values_pass(type_id, field, value):
    assert TYPES[type_id].validate({field: value}, partial=True)[field] == value
