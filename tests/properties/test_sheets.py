"""What a register exports as Excel or CSV is read back as it was, whatever its fields hold."""

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.app.services.registers.local import as_file
from jinyun.app.services.registers.sheet_in import SheetImport
from jinyun.app.services.registers.sheets import CLEAR, LEFT, LONGEST, exported
from jinyun.app.services.words import MASK, record_dict
from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.records import Field, RecordType
from jinyun.store.database import open_database
from jinyun.store.records import SqlRecords

CODES = {"a": ("甲、乙", "A"), "b": ("丙", "B"), "c": ("丙", "C"), "d": ("a", "b"), "[e": ("[", "E")}
ONE = tuple(
    Field(f"one_{kind}", f"单{kind}", f"One {kind}", kind, codes=CODES if kind == "code" else {},
          to="thing" if kind == "reference" else "")
    for kind in ("text", "long_text", "number", "integer", "money", "date", "datetime", "code", "place", "reference",
                 "person", "bool", "json")
)  # fmt: skip
MANY = tuple(
    Field(f"many_{one.kind}", f"多{one.kind}", f"Many {one.kind}", one.kind, codes=one.codes, to=one.to, many=True)
    for one in ONE
)
HIDDEN = Field("hidden", "电话", "Phone", personal=True, many=True)
THING = RecordType("thing", "物", "Thing", (*ONE, *MANY, HIDDEN))

LONG = ("字" * (LONGEST + 1), "𝄞" * (LONGEST // 2 + 1))
FORMULAS = ("=1", "-1", "'=1x", "\t=1")
ODD = (
    "、", "a,b", "a；b", "[", "[1]", "[1", '["a"]', "{}", "null", "是", CLEAR, MASK, LEFT, " a ", "\r\n", "\x00",
    "\ufffe", "_x0041_", "_x005F_", "<r>a</r>", *FORMULAS, *LONG,
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
NUMBER = st.decimals(-(10**20), 10**20, allow_nan=False).map(lambda one: format(one, "f")[:60].rstrip("."))
MONEY = st.decimals(-(10**12), 10**12, places=2, allow_nan=False).map(str)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e6, 1e6), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
VALUES = {
    "text": TEXT, "long_text": TEXT, "number": NUMBER, "integer": st.integers(-(10**40), 10**40), "money": MONEY,
    "date": st.dates().map(str), "code": st.sampled_from(list(CODES)), "bool": st.booleans(), "json": JSON,
    "datetime": st.datetimes(timezones=st.timezones()).map(lambda one: one.isoformat()),
    "place": st.fixed_dictionaries({"lon": st.floats(-180, 180), "lat": st.floats(-90, 90)}),
    "reference": st.sampled_from(("t0", "t,1", "[t2", "t、3")),
    "person": st.sampled_from(("li", "王 五", "[li", "a,b")),
}  # fmt: skip
DATA = st.fixed_dictionaries(
    {},
    optional={one.name: VALUES[one.kind] for one in ONE}
    | {one.name: st.lists(VALUES[one.kind], max_size=4) for one in (*MANY, HIDDEN)},
)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('sheets') / 'jinyun.db'}")
    made = SqlRecords(engine, {"thing": THING}, SimpleNamespace(now=lambda: 1_767_225_600_000_000))
    made.put_many("thing", [(id, {}) for id in ("t0", "t,1", "[t2", "t、3")], SYSTEM)
    yield made
    engine.dispose()


def read_back(records, record, name):
    def shown(one, kind, _):
        return record_dict(one, kind, ("viewer",))

    registers = SimpleNamespace(gate=SimpleNamespace(shown=shown), kind=lambda _: THING)
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(as_file(exported(THING, [shown(record, THING, None)]), file))
        (row,) = SheetImport(registers, SimpleNamespace(records=records), THING, SYSTEM, file).rows
    return row


@settings(max_examples=50, deadline=None)
@given(DATA)
def test_an_export_read_back_changes_nothing(records, data):
    records.put_many("thing", [("x", {one.name: None for one in THING.fields} | data)], SYSTEM)
    row = read_back(records, records.get("thing", "x"), "x.xlsx")
    assert (row.what, row.problems, row.changes) == ("same", {}, {})


@pytest.mark.parametrize("value", [one for one in ODD if one != "'=1x"])
@pytest.mark.parametrize("name", ["x.xlsx", "x.csv"])
def test_odd_texts_are_read_back(records, value, name):
    data = {"one_text": value, "many_text": [value, "b"], "one_json": value, "many_json": [value, [value]]}
    records.put_many("thing", [("y", {one.name: None for one in THING.fields} | data)], SYSTEM)
    row = read_back(records, records.get("thing", "y"), name)
    assert (row.what, row.problems, row.changes) == ("same", {}, {})
