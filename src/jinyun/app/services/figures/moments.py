"""Period figures worked out from the stores as they stood at a moment: sites, verdicts, clock and edition of then."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from jinyun.app.directory import site_of
from jinyun.app.services.figures.evidence import gather
from jinyun.app.services.periods import PARTS
from jinyun.app.services.periods.scopes import Scope, scope
from jinyun.app.services.periods.spans import Span, span
from jinyun.domains.warehouse.figures import canonical, printed_text, site_basis
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.ports import HistoryEntry, Record, VerdictBrief
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Site

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.store.passports import SqlPassports

Days = Mapping[str, Mapping[str, Sequence[VerdictBrief]]]  # judge -> site -> days
Key = tuple[str, str, int]  # judge, site, start [s]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a period. `edition_on` None: the last day of the period."""

    subject: str
    scope: str
    period: str
    at: str
    home: tuple[str, str]  # (code, name) of the node's jurisdiction: it names the scope "all"
    edition_on: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "subject": self.subject, "scope": self.scope, "period": self.period, "at": self.at,
            "home": list(self.home), "edition_on": self.edition_on,
        }  # fmt: skip

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Question:
        code, name = told["home"]
        return cls(told["subject"], told["scope"], told["period"], told["at"], (code, name), told["edition_on"])


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the stores. `up_to`: the newest verdict of then."""

    at: int  # [µs]
    sites: Mapping[str, Site]
    versions: Mapping[str, int]
    up_to: int

    @property
    def seconds(self) -> int:
        return self.at // 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Figures of a question at a moment, and the day verdicts under them."""

    told: dict[str, Any]
    scope: Scope
    span: Span
    on: date
    rows: Mapping[Key, VerdictBrief]

    @property
    def edition(self) -> str:
        return str(self.told["edition"]["zh"])

    def printed(self) -> dict[str, str]:
        """Printed text of each figure, by indicator."""
        return {one["id"]: printed_text(self.told, one) for one in self.told["figures"]}


class Stores:
    """The stores during one call: what was asked of them once is not asked again, also by many figures.

    `wide`: day verdicts are read for all sites of a judge at once, for calls about many figures.
    """

    def __init__(self, house: House, passports: SqlPassports, *, wide: bool = False) -> None:
        self.house, self.passports, self._wide = house, passports, wide
        self._moments: dict[tuple[int, int], Moment] = {}
        self._changes: dict[int, Sequence[HistoryEntry]] = {}
        self._rows: dict[tuple[str, int, int, int], dict[str, list[VerdictBrief]]] = {}
        self._made: dict[Hashable, Any] = {}
        self._digests: dict[int, str] = {}
        self._today: Moment | None = None

    def moment(self, at: int, up_to: int) -> Moment:
        """The stores as they stood at `at` [µs], when `up_to` was the newest verdict."""
        key = (at, up_to)
        if key not in self._moments:
            records = self.passports.records_at("site", at)
            sites = {
                id: site_of(Record("site", id, version, "", data, 0, 0, "")) for id, (version, data) in records.items()
            }
            versions = {id: version for id, (version, _) in records.items()}
            self._moments[key] = Moment(at, sites, versions, up_to)
        return self._moments[key]

    def today(self) -> Moment:
        """The stores as they stood when this was first asked."""
        if self._today is None:
            self._today = self.moment(self.house.clock.now(), self.house.verdicts.newest_id())
        return self._today

    def site_changes(self, since: int) -> Sequence[HistoryEntry]:
        """Changes of sites' records after a moment [µs]."""
        if since not in self._changes:
            self._changes[since] = self.passports.changes_since("site", since)
        return self._changes[since]

    def digests(self, ids: Iterable[int]) -> dict[int, str]:
        """Digests of verdicts, taken from what the stores hold."""
        wanted = list(ids)
        lacking = [one for one in wanted if one not in self._digests]
        if lacking:
            self._digests |= {id: one.digest for id, one in gather(self.house, lacking).items()}
        return {one: self._digests[one] for one in wanted}

    def know(self, digests: Mapping[int, str]) -> None:
        """Take digests over that are known to be right."""
        self._digests |= digests

    # --- answers ------------------------------------------------------------------------------------------------------

    def ask(self, question: Question, then: Moment, *, on: date | None = None) -> Answer:
        """The answer to a question at a moment; `on` chooses the editions, without it the question's day."""
        of = scope(question.subject, question.scope, then.sites.values(), home=question.home)
        when = span(question.period, question.at, then.seconds)
        day = on or (date.fromisoformat(question.edition_on) if question.edition_on else when.last_day)
        now, before = (self._days(question.subject, of, one, then) for one in (when, when.year_before()))
        return self._work_out(question.subject, of, when, (now, before), day)

    def again(self, question: Question, found: Answer, of: Scope) -> Answer:
        """`found` with other records of its sites."""
        now, before = (_split(question.subject, found, one, of) for one in (found.span, found.span.year_before()))
        return self._work_out(question.subject, of, found.span, (now, before), found.on)

    def ask_in_edition(self, question: Question, then: Moment, on: date, words: str) -> Answer:
        """The answer by the edition that is called `words`: on `on`, or, where the tables have another edition on that
        day by now, on the nearest earlier day that still has it.

        Raises
        ------
        BadInput
            When no day has that edition any more.
        """
        found = self.ask(question, then, on=on)
        if found.edition == words:
            return _dated(found, on)
        for day in _turning_days(question.subject, on):
            try:
                other = self.ask(question, then, on=day)
            except JinyunError:
                continue
            if other.edition == words:
                return _dated(other, on)
        raise BadInput(f"the tables of {question.subject} have no edition {words!r} any more", field="edition")

    def _work_out(self, subject: str, of: Scope, when: Span, days: tuple[Days, Days], day: date) -> Answer:
        """`days` of the period, and of the one a year before."""
        now, before = days

        def once(site: Site, span: Span, rows: Sequence[VerdictBrief], make: Callable[[], Any]) -> Any:
            basis = canonical(site_basis(site.data))
            key = (subject, site.id, basis, day, span, tuple(row.id for row in rows))
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

        told: dict[str, Any] = PARTS[subject].answer(of, when, now, before, on=day, once=once)
        zh, en = told["edition_zh"], told["edition_en"]
        told |= {
            "scope": of.as_dict(), "period": when.as_dict(), "before": when.year_before().as_dict(),
            "edition": {"on": day.isoformat(), "zh": zh, "en": en},
        }  # fmt: skip
        rows = {
            (judge, site, row.start): row
            for part in days
            for judge, sites in part.items()
            for site, found in sites.items()
            for row in found
        }
        return Answer(told, of, when, day, rows)

    def _days(self, subject: str, of: Scope, when: Span, then: Moment) -> dict[str, dict[str, list[VerdictBrief]]]:
        """Day verdicts whose window had ended."""
        ids, found = [site.id for site in of.sites], {}
        for judge in PARTS[subject].JUDGES:
            held = self._rows.setdefault((judge, when.start, when.stop, then.up_to), {})
            if lacking := [id for id in ids if id not in held]:
                asked = lacking if not self._wide else sorted({*then.sites, *lacking})
                held |= {id: [] for id in asked}
                for row in self.house.verdicts.briefs(judge, asked, when.start, when.stop, up_to=then.up_to):
                    held[row.subject].append(row)
            found[judge] = {id: [row for row in held[id] if row.end <= then.seconds] for id in ids}
        return found


def _dated(found: Answer, on: date) -> Answer:
    found.told["edition"]["on"] = on.isoformat()
    return found


def _turning_days(subject: str, on: date) -> list[date]:
    """Days on which another edition of the subject's tables begins or ends, the latest before `on` first."""
    days: set[date] = set()
    for row in csv_rows(f"jinyun.domains.{subject}", "editions.csv"):
        for name, step in (("valid_from", -1), ("valid_from", 0), ("valid_to", 0)):
            if row[name]:
                days.add(date.fromisoformat(row[name]) + timedelta(step))
    return sorted((day for day in days if day < on), reverse=True) + sorted(day for day in days if day > on)


def _split(subject: str, found: Answer, when: Span, of: Scope) -> dict[str, dict[str, list[VerdictBrief]]]:
    days: dict[str, dict[str, list[VerdictBrief]]] = {
        judge: {site.id: [] for site in of.sites} for judge in PARTS[subject].JUDGES
    }
    for (judge, site, start), row in found.rows.items():
        if when.start <= start < when.stop and site in days[judge]:
            days[judge][site].append(row)
    return days
