"""A state machine over procedures: whoever does whatever, a record is never in a state that its procedure forbids.

The model knows only the declaration: it walks the record by states, roles, owner and second person as written there,
and the store must agree at every step. At the end the history alone must lead to the state at hand.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jinyun.domains.supervision.clock_ledgers import ledger
from jinyun.kernel.errors import Conflict, InvalidRecord, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.records import ClockRule, Field, Missing, Procedure, RecordType, Transition
from jinyun.methods.clocks import clock_state
from jinyun.methods.workdays import WorkCalendar
from jinyun.store.database import open_database
from jinyun.store.records import SqlRecords

PEOPLE = (
    Actor("li", ("officer",), unit="一队"), Actor("wang", ("officer",), unit="二队"), Actor("zhou", ("leader",)),
    Actor("guest", ("viewer",)), SYSTEM,
)  # fmt: skip
OWNERS = ("一队", "wang", None)
STATES_1 = {"open": ("开", "Open"), "sent": ("派", "Sent"), "parked": ("停", "Parked"), "closed": ("结", "Closed")}
STATES_2 = {"open": ("开", "Open"), "sent": ("派", "Sent"), "checked": ("核", "Checked"), "closed": ("结", "Closed")}


def measured(record, _context):
    return () if record["figure"] is not None else (Missing("figure", "缺数据", "no figure"),)


SEND = Transition("send", "派", "Send", ("open", "sent"), "sent", needs=("to",), fields=(Field("to", "给", "To"),),
                  sets={"owner": "to"})  # fmt: skip
REOPEN = Transition("reopen", "重开", "Reopen", ("closed",), "open", by=("system",))
CLOCK = ClockRule("fix", "修", "Fix", "hour", 48, starts=("open",), pauses=("parked",), stops=("closed",))
V1 = Procedure(
    "open", STATES_1,
    (
        SEND, REOPEN,
        Transition("park", "停", "Park", ("sent",), "parked", only="owner"),
        Transition("resume", "续", "Resume", ("parked",), "sent"),
        Transition("close", "结", "Close", ("sent",), "closed", by=("officer", "leader"), guards=(measured,)),
    ),
    clocks=(CLOCK,),
)  # fmt: skip
V2 = Procedure(
    "open", STATES_2,
    (
        SEND, REOPEN,
        Transition("check", "核", "Check", ("sent",), "checked", only="second", second_of="send"),
        Transition("close", "结", "Close", ("checked",), "closed", by=("officer", "leader"), guards=(measured,)),
    ),
    version=2, clocks=(replace(CLOCK, pauses=()),), moves={"parked": "sent"},
)  # fmt: skip
TASK = RecordType(
    "task", "任务", "Task",
    (
        Field("name", "名称", "Name", required=True), Field("code", "编码", "Code", identifies=True),
        Field("figure", "数值", "Figure", "number"), Field("owner", "承办", "Owner"),
    ),
    owner="owner", procedure=V2, procedures=(V1,),
)  # fmt: skip
STEPS = sorted({step.name for one in TASK.versions for step in one.transitions})


class Clock:
    at = 1_767_225_600_000_000

    def now(self):
        self.at += 1
        return self.at


class Walk(RuleBasedStateMachine):
    @initialize(old=st.booleans())
    def begin(self, old):
        self.clock = Clock()
        self.engine = open_database("sqlite://")
        early = RecordType("task", "任务", "Task", TASK.fields, owner="owner", procedure=V1)
        self.records = SqlRecords(self.engine, {"task": TASK}, self.clock)
        maker = SqlRecords(self.engine, {"task": early}, self.clock) if old else self.records
        maker.create("task", {"name": "a", "code": "K"}, SYSTEM, id="t")
        self.state, self.version, self.sender, self.data = "open", 1 if old else 2, None, {}

    def teardown(self):
        if hasattr(self, "engine"):
            self.engine.dispose()

    @rule(name=st.sampled_from(STEPS), actor=st.sampled_from(PEOPLE), to=st.sampled_from(OWNERS), stale=st.booleans())
    def step(self, name, actor, to, stale):
        procedure = TASK.procedure_at(self.version)
        known = {one.name: one for one in procedure.transitions}
        seen = self.records.get("task", "t").version
        step = known.get(name)
        given = {"to": to} if name == "send" and to else {}
        legal = (
            step is not None and not stale and self.state in step.sources and bool(set(actor.roles) & set(step.by))
            and (step.only != "owner" or self.data.get("owner") in (actor.name, actor.unit))
            and (step.only != "second" or self.sender != actor.name)
            and (name != "send" or to is not None)
            and (not step.guards or self.data.get("figure") is not None)
        )  # fmt: skip
        try:
            self.records.step("task", "t", name, given, actor, version=seen - 1 if stale else seen)
        except (NotFound, NotPermitted, Refused, Conflict):
            assert not legal
            return
        assert legal
        self.state = step.target or self.state
        if name == "send":
            self.sender, self.data["owner"] = actor.name, to

    @rule(figure=st.sampled_from(["1.5", None]))
    def measure(self, figure):
        self.records.update("task", "t", {"figure": figure}, SYSTEM)
        self.data["figure"] = figure

    @rule(to=st.sampled_from([1, 2, 3]), state=st.sampled_from(["", "open", "parked", "nowhere"]))
    def move(self, to, state):
        new = {one.version: one for one in TASK.versions}.get(to)
        becomes = state or (new.moves.get(self.state, self.state) if new else "")
        legal = new is not None and to != self.version and becomes in new.states
        try:
            self.records.move("task", "t", to, SYSTEM, state=state)
        except (NotFound, Refused):
            assert not legal
            return
        assert legal
        self.state, self.version = becomes, to

    @rule()
    def another_of_that_code(self):
        try:
            self.records.create("task", {"name": "b", "code": "K"}, SYSTEM)
        except InvalidRecord:
            return
        raise AssertionError("two living records have one identifying value")

    @rule(hours=st.integers(1, 60))
    def wait(self, hours):
        self.clock.at += hours * 3_600_000_000

    @invariant()
    def the_record_stands_where_the_model_does(self):
        if not hasattr(self, "records"):
            return
        now = self.records.get("task", "t")
        assert (now.state, now.procedure) == (self.state, self.version)
        assert now.state in TASK.procedure_at(now.procedure).states
        state, before = "", 0
        for entry in self.records.history("task", "t"):
            assert (entry.version, entry.state_before) == (before + 1, state)
            state, before = entry.state_after, entry.version
        assert (state, before) == (now.state, now.version)

    @invariant()
    def its_clock_can_always_be_told(self):
        if not hasattr(self, "records"):
            return
        (clock,) = TASK.procedure_at(self.version).clocks
        events = ledger(clock, self.records.history("task", "t"))
        told = clock_state(events, clock, self.clock.at, WorkCalendar.from_rows(()))
        assert told.status == {"parked": "paused", "closed": "stopped"}.get(self.state, told.status)
        assert told.consumed >= 0
        assert told.remaining is None or told.remaining >= 0


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
