"""Records handed to judges: by site, through an outlet, or to all when they belong to no site."""

from __future__ import annotations

from types import SimpleNamespace

from jinyun.judge.site_records import SiteRecords


class Register:
    """Records in memory, as the record port hands them over."""

    def __init__(self, **rows):
        self.rows = {
            kind: {id: SimpleNamespace(id=id, data=data, deleted=False) for id, data in some.items()}
            for kind, some in rows.items()
        }

    def find(self, kind, *, limit):
        return list(self.rows.get(kind, {}).values())[:limit]

    def get(self, kind, id):
        return self.rows[kind][id]


def test_a_record_without_a_site_is_handed_to_every_judge_that_asks():
    register = Register(
        outlet={"o": {"site": "a"}, "q": {"site": "b"}},
        permit_limit={"p": {"outlet": "o"}},
        standard_limit={"2": {"standard": "DB50/1", "item": "tp"}, "1": {"standard": "DB50/1", "item": "tn"}},
    )
    records = SiteRecords(register, ("outlet", "permit_limit", "standard_limit"))
    assert records.refresh() == frozenset()
    asked = ("permit_limit", "standard_limit")
    assert [row["id"] for row in records.of("a", asked)["permit_limit"]] == ["p"]
    assert records.of("b", asked)["permit_limit"] == ()
    for site in ("a", "b", "no outlet here"):
        assert [row["id"] for row in records.of(site, asked)["standard_limit"]] == ["1", "2"]
    assert "standard_limit" not in records.of("a", ("permit_limit",))


def test_changing_it_marks_no_site():
    register = Register(outlet={"o": {"site": "a"}}, standard_limit={"1": {"item": "tn", "value": "15"}})
    records = SiteRecords(register, ("standard_limit",))
    records.refresh()
    register.rows["standard_limit"]["1"].data["value"] = "10"
    records.changed("standard_limit", "1")
    assert records.refresh() == frozenset()
    assert records.of("a", ("standard_limit",))["standard_limit"][0]["value"] == "10"


def test_a_record_whose_site_is_not_set_is_nobodys():
    records = SiteRecords(Register(outlet={"o": {"site": ""}}), ("outlet",))
    records.refresh()
    assert records.of("a", ("outlet",))["outlet"] == ()
