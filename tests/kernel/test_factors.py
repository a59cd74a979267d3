"""The factor dictionary against HJ 212-2017 Annex B and HJ/T 212-2005 Annex B."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from jinyun.kernel.errors import UnknownFactor
from jinyun.kernel.factors import by_code, factor, factors, old_code

SHARED = Path(__file__).parents[2].parent / "shared" / "standards"


@pytest.mark.parametrize(
    ("code", "system", "expected"),
    [
        ("w01018", "32", "cod_cr"),
        ("w21003", "21", "nh3_n"),
        ("a21026", "31", "stack_so2"),
        ("a21026", "22", "so2"),
        ("a21026", "51", "stack_so2"),
        ("a34013", "31", "stack_pm"),
        ("W01018", "32", "cod_cr"),
        ("LA", "23", "la"),
    ],
)
def test_code(code, system, expected):
    assert by_code(code, system).id == expected


def test_unknown_code_is_none_and_unknown_id_suggests():
    assert by_code("zz9999") is None
    with pytest.raises(UnknownFactor, match="did you mean 'cod_cr'"):
        factor("cod_crr")


# HJ/T 212-2005 Annex B gives these in mg/L; HJ 212-2017 in µg/L (ng/L): the 13 codes whose unit changed.
@pytest.mark.parametrize(
    ("old", "unit", "scale"),
    [
        ("020", "ug/L", "1000"),
        ("022", "ug/L", "1000"),
        ("024", "ug/L", "1000"),
        ("026", "ug/L", "1000"),
        ("027", "ug/L", "1000"),
        ("034", "ug/L", "1000"),
        ("035", "ug/L", "1000"),
        ("021", "ng/L", "1000000"),
        ("041", "ng/L", "1000000"),
        ("011", "mg/L", "1"),
        ("S08", "kPa", "1000"),
        ("S04", "kPa", "1000"),
    ],
)
def test_old_units(old, unit, scale):
    hit = old_code(old, "32")
    assert (hit.unit, hit.scale_2005) == (unit, Decimal(scale))


def test_every_row_has_words_and_a_code():
    for one in factors().values():
        assert one.zh, one.id
        assert one.en, one.id
        assert one.code, one.id
        assert one.scale > 0, one.id


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared standards tables are not beside this checkout")
def test_all_annex_b_codes_are_there():
    codes = {row["code"] for row in csv.DictReader((SHARED / "hj212_factors.csv").open(encoding="utf-8"))}
    assert codes == {one.code for one in factors().values()}
