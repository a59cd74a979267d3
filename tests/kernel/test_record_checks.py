"""A declaration that cannot stand is refused when it is made, by an error that names the place."""

import pytest

from jinyun.kernel.errors import InvalidRecord, NotFound
from jinyun.kernel.record_moves import difference
from jinyun.kernel.records import ClockRule, Escalation, Field, Procedure, RecordType, Transition

STATES = {"open": ("开", "Open"), "shut": ("关", "Shut")}
SHUT = Transition("shut", "关", "Shut", ("open",), "shut")
FIELDS = (
    Field("name", "名称", "Name", required=True),
    Field("level", "级别", "Level", "integer"),
    Field("unit", "单位", "Unit"),
    Field("notes", "记录", "Notes", "json", many=True),
)


def kind(*steps, fields=FIELDS, clocks=(), states=STATES, **more):
    steps = steps or (SHUT,)
    return RecordType("gate", "闸", "Gate", fields, procedure=Procedure("open", states, steps, clocks=clocks), **more)


def clock(**given):
    said = {"unit": "day", "amount": 3, "starts": ("open",)} | given
    return ClockRule("fix", "修复", "Fix", **said)


def step(**given):
    said = {"sources": ("open",), "target": "shut"} | given
    return Transition("shut", "关", "Shut", **said)


def test_a_whole_declaration_stands():
    made = kind(
        step(only="owner", emits="gate"),
        Transition("open", "开", "Open", ("shut",), "open", only="second", second_of="shut"),
        clocks=(
            clock(
                unit="workday", by_level={"1": 1}, pauses=("shut",), stops=("shut",),
                escalate=(Escalation("warn", "将到期", "Due soon", "80%", "officer"),
                          Escalation("late", "超期", "Late", "+24h", "leader")),
            ),
        ),
        owner="unit",
    )  # fmt: skip
    warn, late = made.procedure.clocks[0].escalate
    assert (warn.percent, warn.hours_after, late.percent, late.hours_after) == (80, None, None, 24)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: kind(step(target="gone")), r"gate\.shut: target: 'gone' is no state; known: open, shut"),
        (lambda: kind(step(sources=("gone",))), "source: 'gone' is no state"),
        (lambda: kind(step(sources=())), "starts from no state"),
        (lambda: kind(step(by=())), "nobody may take it"),
        (lambda: kind(SHUT, SHUT), "step 'shut' is declared twice"),
        (lambda: kind(states={**STATES, "lost": ("丢", "Lost")}), "no step leads to 'lost'"),
        (lambda: kind(step(needs=("why",))), "needs: 'why' is no field of the step"),
        (lambda: kind(step(sets={"name": "why"})), "sets from: 'why' is no field of the step"),
        (lambda: kind(step(sets={"why": "@now"})), "sets: 'why' is no field"),
        (lambda: kind(step(appends={"name": "t"}, fields=(Field("t", "t", "t"),))), "'name', which is no list"),
        (lambda: kind(step(only="boss")), "only 'boss'"),
        (lambda: kind(step(only="owner")), "gate names no owner field"),
        (lambda: kind(step(only="second")), "belong together"),
        (lambda: kind(step(only="second", second_of="x")), "second_of: 'x' is no step"),
        (lambda: kind(step(fields=(Field("c", "c", "c", "code"),))), r"gate\.shut\.c: a code without codes"),
        (lambda: kind(Transition("update", "改", "Change", ("open",), "shut")), "taken by the engine"),
        (lambda: kind(clocks=(clock(unit="week"),)), "clock fix: unit 'week'"),
        (lambda: kind(clocks=(clock(amount=None),)), "says no time"),
        (lambda: kind(clocks=(clock(amount=0),)), "at least 1 day"),
        (lambda: kind(clocks=(clock(starts=()),)), "nothing starts it"),
        (lambda: kind(clocks=(clock(starts=("x",)),)), "starts: 'x' is no state or step"),
        (lambda: kind(clocks=(clock(pauses=("x",)),)), "pauses: 'x' is no state"),
        (lambda: kind(clocks=(clock(escalate=(Escalation("a", "a", "a", "soon", "officer"),)),)), "at 'soon'"),
        (lambda: kind(owner="boss"), "owner: 'boss' is no field"),
        (lambda: kind(jurisdiction="name.code"), "'name', which is no single reference"),
        (lambda: kind(listed=("colour",)), "listed: 'colour' is no field"),
        (lambda: kind(procedures=(Procedure("open", STATES, (SHUT,)),)), "procedure version '1' is declared twice"),
        (lambda: kind(procedures=(Procedure("open", STATES, (SHUT,), 2),)), "not the newest 2"),
        (lambda: kind(fields=(*FIELDS, Field("name", "a", "a"))), "field 'name' is declared twice"),
        (lambda: kind(fields=(*FIELDS, Field("m", "m", "m", "money", unit="USD"))), "money is in 元 or 万元"),
        (lambda: kind(fields=(*FIELDS, Field("m", "m", "m", "json", identifies=True))), "a json cannot identify"),
        (lambda: RecordType("x", "x", "x", (Field("a", "a", "a", "colour"),)), "unknown kind 'colour'"),
    ],
)
def test_a_mistake_is_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()


BILL = RecordType(
    "bill", "账单", "Bill",
    (
        Field("name", "名称", "Name", identifies=True),
        Field("paid", "金额", "Paid", "money", unit="元", minimum="0"),
        Field("budget", "预算", "Budget", "money", unit="万元"),
        Field("who", "经办", "Who", "person"),
        Field("papers", "附件", "Papers", "file", many=True),
    ),
)  # fmt: skip


def test_money_person_and_file():
    given = {"paid": "12.50", "budget": "3.000001", "who": "li", "papers": ["0123456789abcdef"]}
    assert BILL.validate(given) == given  # two digits stay two digits
    with pytest.raises(InvalidRecord) as caught:
        BILL.validate({"paid": "1.005", "budget": "1e999999", "who": " li", "papers": ["../x"], "name": "n" * 301})
    problems = caught.value.problems
    assert "one fen" in problems["paid"]
    assert "too large" in problems["budget"]
    assert "account" in problems["who"]
    assert "upload" in problems["papers"]
    assert "at most 300" in problems["name"]


def test_versions_of_a_procedure_and_what_a_move_means():
    old = Procedure("open", {"open": ("开", "Open"), "wait": ("等", "Waiting"), "shut": ("关", "Shut")}, (
        Transition("park", "等", "Park", ("open",), "wait"), Transition("shut", "关", "Shut", ("open", "wait"), "shut"),
    ))  # fmt: skip
    new = Procedure(
        "open", {"open": ("开启", "Open"), "shut": ("关", "Shut"), "seen": ("已看", "Seen")},
        (SHUT, Transition("see", "看", "See", ("shut",), "seen")),
        version=2, moves={"wait": "open"},
    )  # fmt: skip
    both = RecordType("gate", "闸", "Gate", FIELDS, procedure=new, procedures=(old,))
    assert both.procedure_at(1) is old
    assert both.procedure_at(2) is new
    with pytest.raises(NotFound, match="version"):
        both.procedure_at(3)
    assert both.state_words("wait", 2) == ("等", "Waiting")
    assert both.state_words("open", 1) == ("开", "Open")
    assert both.states()["open"] == ("开启", "Open")
    told = difference(old, new, "wait")
    assert (told.states_added, told.states_removed, told.states_changed) == (("seen",), ("wait",), ("open",))
    assert (told.steps_added, told.steps_removed) == (("see",), ("park",))
    assert told.steps_changed == {"shut": ("sources",)}
    assert (told.becomes, difference(old, new, "shut").becomes, difference(new, old, "seen").becomes) == (
        "open", "shut", "",
    )  # fmt: skip
