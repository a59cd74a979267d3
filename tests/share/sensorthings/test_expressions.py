"""`$filter` text to trees and what they say of entities: functions of OGC 18-088 tables 25 to 27, by their examples."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from jinyun.share.sensorthings.errors import BadQuery
from jinyun.share.sensorthings.evaluate import holds, values
from jinyun.share.sensorthings.expressions import FUNCTIONS, Call, Literal, Path, parse_expression
from jinyun.share.sensorthings.model import KINDS, Entity
from jinyun.share.sensorthings.options import parse_options

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = {"type": "Point", "coordinates": [106.5, 29.6]}
LOCATIONS = [
    Entity(KINDS["Locations"], "a@1", {"name": "old", "location": {"type": "Point", "coordinates": [100.0, 20.0]}}),
    Entity(KINDS["Locations"], "a@2", {"name": "new", "location": PLACE}),
]
THING = Entity(
    KINDS["Things"],
    "a",
    {
        "name": "Company Jinyun",
        "properties": {
            "order_km": 12.5, "kind": "water_section", "deep": {"n": 3},
            "since": datetime(2026, 1, 31, 16, 30, 5, tzinfo=UTC),
        },
        "description": None,
    },
)  # fmt: skip


def related(entity, relation):
    return LOCATIONS if relation == "Locations" else []


def said(text):
    return values(parse_expression(text), THING, related, NOW)


def kept(text):
    return holds(parse_expression(text), THING, related, NOW)


TRUE = [
    "name eq 'Company Jinyun'",
    "not name eq 'x' and (id eq 'a' or 1 eq 2)",
    "1 add 2 mul 3 eq 7",
    "(1 add 2) mul 3 eq 9",
    "7 sub 2 sub 1 eq 4",
    "-properties/order_km lt -12",
    "4.5 div 2 eq 2.25",
    "4 mod 5 eq 4",
    "0.1 add 0.2 eq 0.3",
    "substringof('Jin',name)",
    "contains(name,'Jin')",
    "endswith(name,'yun')",
    "startswith(name,'Comp')",
    "length(name) eq 14",
    "indexof(name,'Jinyun') eq 8",
    "substring(name,8) eq 'Jinyun'",
    "substring(name,8,3) eq 'Jin'",
    "tolower(name) eq 'company jinyun'",
    "toupper(name) eq 'COMPANY JINYUN'",
    "trim(concat(name,'  ')) eq name",
    "concat('it''s ','so') eq 'it''s so'",
    "round(2.5) eq 3",
    "round(-2.5) eq -3",
    "floor(2.9) eq 2",
    "ceiling(2.1) eq 3",
    "year(properties/since) eq 2026",
    "month(properties/since) eq 1",
    "day(properties/since) eq 31",
    "hour(properties/since) eq 16",
    "minute(properties/since) eq 30",
    "second(properties/since) eq 5",
    "fractionalseconds(2026-01-01T00:00:00.250Z) eq 0.25",
    "totaloffsetminutes(2026-01-01T00:00:00+08:00) eq 480",
    "date(properties/since) eq 2026-01-31T00:00:00Z",
    "time(properties/since) eq 16:30:05",
    "properties/since gt mindatetime() and properties/since lt maxdatetime()",
    "properties/since lt now() sub duration'P1DT2H'",
    "properties/since eq 2026-02-01T00:30:05+08:00",
    "properties/since eq 2026-02-01T00:30:05 08:00",
    "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z eq 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z lt 2026-01-01T00:00:00Z/2026-01-03T00:00:00Z",
    "properties/deep/n eq 3",
    "properties/nothing eq null",
    "properties/kind ne null",
    "not (properties/nothing gt 3)",
    "Locations/name eq 'new'",
    "st_within(Locations/location,geography'POLYGON((106 29,107 29,107 30,106 30,106 29))')",
    "st_equals(Locations/location,geography'POINT(106.5 29.6)')",
    "st_disjoint(geography'POINT(0 0)',geography'POINT(1 1)')",
    "st_touches(geography'LINESTRING(0 0,1 1)',geography'LINESTRING(1 1,2 0)')",
    "st_overlaps(geography'POLYGON((0 0,2 0,2 2,0 2,0 0))',geography'POLYGON((1 1,3 1,3 3,1 3,1 1))')",
    "st_crosses(geography'LINESTRING(0 0,2 2)',geography'LINESTRING(0 2,2 0)')",
    "st_intersects(geography'LINESTRING(0 0,2 2)',geography'POINT(1 1)')",
    "st_contains(geography'POLYGON((0 0,2 0,2 2,0 2,0 0))',geography'POINT(1 1)')",
    "st_relate(geography'POINT(1 1)',geography'POLYGON((0 0,2 0,2 2,0 2,0 0))','T*F**F***')",
    "geo.intersects(Locations/location,geography'POINT(106.5 29.6)')",
    "geo.distance(geography'POINT(0 0)',geography'POINT(3 4)') eq 5",
    "geo.length(geography'LINESTRING(0 0,3 4)') eq 5",
]


@pytest.mark.parametrize("text", TRUE)
def test_holds(text):
    assert kept(text)
    assert not kept(f"not ({text})")


def test_every_function_of_the_standard_is_tried():
    assert {name for name in FUNCTIONS if not any(f"{name}(" in text for text in TRUE)} == set()


def test_null_is_neither_more_nor_less():
    assert said("properties/nothing gt 1") == [None]
    assert not kept("properties/nothing gt 1")
    assert kept("null eq null")


def test_precedence():
    made = parse_expression("a eq 1 or b eq 2 and not c eq 3")
    assert made == Call(
        "or",
        (
            Call("eq", (Path(("a",)), Literal(Decimal(1)))),
            Call(
                "and",
                (
                    Call("eq", (Path(("b",)), Literal(Decimal(2)))),
                    Call("not", (Call("eq", (Path(("c",)), Literal(Decimal(3)))),)),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name eq", "breaks off"),
        ("name eq 'x", "cannot be read"),
        ("(name eq 'x'", "')' should come"),
        ("name eq 'x' 'y'", "operator or the end"),
        ("magic(name)", "no function 'magic'"),
        ("substring(name)", "takes 2 to 3 arguments"),
        ("st_within(Locations/location,geography'POLYGON((1')", "well-known text"),
        ("name gt duration'P1'", "no duration"),
        ("2026-13-01T00:00:00Z eq now()", "no moment"),
        ("1e99 eq 1", "out of the range"),
        ("(" * 100 + "1 eq 1" + ")" * 100, "nested"),
    ],
)
def test_what_cannot_be_read_says_where(text, told):
    with pytest.raises(BadQuery) as wrong:
        parse_expression(text)
    assert told in str(wrong.value)


@pytest.mark.parametrize(
    "text", ["name gt 3", "year(name) eq 1", "tolower(3) eq 'x'", "1 div 0 eq 1", "st_within(name,Locations/location)"]
)
def test_types_that_do_not_fit_are_refused(text):
    with pytest.raises(BadQuery):
        kept(text)


def test_options_of_an_expand():
    made = parse_options(
        [("$expand", "Datastreams($filter=name eq 'a;b';$top=2;$expand=Sensor),Datastreams/ObservedProperty,Locations")]
    )
    assert list(made.expand) == ["Datastreams", "Locations"]
    assert list(made.expand["Datastreams"].expand) == ["Sensor", "ObservedProperty"]
    assert made.expand["Datastreams"].top == 2
    assert made.expand["Datastreams"].filter == Call("eq", (Path(("name",)), Literal("a;b")))


@pytest.mark.parametrize(
    "pair",
    [("$top", "-1"), ("$top", "x"), ("$skip", "1e3"), ("$count", "yes"), ("$format", "json"), ("$expand", "A(($top=1)"),
     ("$expand", "A/B/C/D/E/F/G/H"), ("$resultFormat", "GeoJSON"), ("$select", ","), ("$orderby", "")],
)  # fmt: skip
def test_options_that_are_none(pair):
    with pytest.raises(BadQuery):
        parse_options([pair])
