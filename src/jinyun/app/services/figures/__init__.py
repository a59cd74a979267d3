"""Published figures: an id and a passport each, printed again byte for byte as of their day, compared with today.

Publishing keeps what was printed and, exactly, what it rests on: the verdicts, the reading versions they cite (as
digests), the sites' records, the edition, the code's version and the moment. Showing works the figure out again from
the stores as they stood then and compares both the digests and the bytes. Shapes: docs/warehouse.md, "Passports".
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from jinyun import __version__
from jinyun.app.services.figures.bundle import Bundle, make, node_key, public_text
from jinyun.app.services.figures.causes import Cause, Differ, merged
from jinyun.app.services.figures.moments import Answer, Moment, Question, Stores
from jinyun.app.services.periods import PARTS
from jinyun.app.services.periods.scopes import check_subject, scope
from jinyun.app.services.periods.spans import KINDS, newest
from jinyun.app.services.words import record_dict
from jinyun.domains.warehouse.figures import (
    FIGURE,
    definition_of,
    differing_lines,
    figure_id,
    inputs_digest,
    publication_id,
    site_basis,
)
from jinyun.kernel.errors import BadInput, Busy, Conflict, JinyunError
from jinyun.kernel.ports import SYSTEM, Actor, Record
from jinyun.kernel.terms import china_time
from jinyun.store.passports import SqlPassports

if TYPE_CHECKING:
    from jinyun.app.assemble import House

TRIES = 8
LISTED_AT_MOST = 10_000
EVERYTHING = 1_000_000


class NotReproduced(JinyunError):
    """What the stores give today for the day of publishing is not what was published: `problems` say where."""

    code, status_hint = "not-reproduced", 409

    def __init__(self, figure: str, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        listed = "; ".join(f"{where}: {what}" for where, what in self.problems.items())
        super().__init__(f"figure {figure} does not print as published: {listed}")

    def details(self) -> Mapping[str, Any]:
        return {"problems": self.problems}


class Figures:
    """Publish, show, compare, seal."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.passports = SqlPassports(house.database)
        self._lock = threading.Lock()

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(
        self,
        subject: str,
        *,
        scope: str = "all",
        period: str = "month",
        at: str = "",
        edition_on: str = "",
        each_site: bool = False,
        report: str = "",
        supersede: str = "",
        by: Actor,
    ) -> dict[str, Any]:
        """Publish the figures of one answer of `Periods.figures`; with `each_site` also those of each of its sites.

        Parameters
        ----------
        report : str
            Name of the report they go into.
        supersede : str
            Why figures published before on the same question give way; without it another figure is refused.

        Returns
        -------
        dict
            ``items`` (figures, new ones and those that were published already as they are), ``new``, ``as_of`` [µs].

        Raises
        ------
        BadInput, NotFound
            As `Periods.figures`; also when there is not a single day to rest on.
        Conflict
            When another figure is published on the same question and `supersede` gives no reason.
        Busy
            When verdicts keep arriving: nothing was published.
        """
        with self._lock:
            self._house.readings.flush()
            question = self._question(subject, scope, period, at, edition_on)
            stores, state, answers = self._steady(question, each_site)
            drafts = [self._draft(stores, asked, found, state) | {"by": by.name, "report": report}
                      for asked, found in answers]  # fmt: skip
            return self._keep(drafts, state, by, supersede)

    def _question(self, subject: str, text: str, period: str, at: str, edition_on: str) -> Question:
        check_subject(subject)
        settings = self._house.settings
        home = (settings.jurisdiction, settings.jurisdiction_name)
        of = scope(subject, text, self._house.sites.all(), home=home)
        if not at and period in KINDS:
            now = self._house.clock.now() // 1_000_000
            _, last = self._house.verdicts.bounds(PARTS[subject].JUDGES, [site.id for site in of.sites])
            at = newest(period, now if last is None else min(last, now))
        if edition_on:
            try:
                date.fromisoformat(edition_on)
            except ValueError:
                raise BadInput(f"{edition_on!r} is no day", field="edition_on", hint="like 2026-03-01") from None
        return Question(subject, of.id, period, at, home, edition_on)

    def _steady(self, question: Question, each_site: bool) -> tuple[Stores, Moment, list[tuple[Question, Answer]]]:
        """Answers to the question from one state of the stores, and that state."""
        house = self._house
        for _ in range(TRIES):
            stores, version = Stores(house, self.passports), house.sites.version
            state = stores.today()
            whole = stores.ask(question, state)
            found = [(question, whole)]
            if each_site and whole.scope.kind != "site":
                asked = [replace(question, scope=f"site:{site.id}") for site in whole.scope.sites]
                found += [(one, stores.ask(one, state)) for one in asked]
            if house.verdicts.newest_id() == state.up_to and house.sites.version == version:
                return stores, state, [pair for pair in found if pair[1].rows or pair[0] is question]
        raise Busy("verdicts keep arriving; publish when the judging of this period has come to rest")

    def _draft(self, stores: Stores, asked: Question, found: Answer, state: Moment) -> dict[str, Any]:
        """The content of one publication."""
        if not found.rows:
            raise BadInput(f"{found.scope.zh} has no day verdict in {asked.at}", field="at", hint="nothing to publish")
        ids = sorted(row.id for row in found.rows.values())
        digests = stores.digests(ids)
        sites = [[s.id, state.versions[s.id], site_basis(s.data)] for s in found.scope.sites]
        digest = inputs_digest(asked.as_dict(), sites, digests.items())
        id = publication_id(asked.as_dict(), digest, state.at)
        printed = found.printed()
        return {
            "id": id, "question": asked.as_dict(), "as_of": state.at, "mark": state.up_to, "code_version": __version__,
            "scope": found.told["scope"], "period": found.told["period"], "before": found.told["before"],
            "edition": found.told["edition"], "sites": sites, "verdicts": [[one, digests[one]] for one in ids],
            "inputs_digest": digest,
            "figures": [
                {"id": figure_id(id, one["id"], printed[one["id"]]), "indicator": one["id"],
                 "printed": printed[one["id"]], "figure": one}
                for one in found.told["figures"]
            ],
            "rows": [[row["site"], row["level"], row["status"], row["figure"]] for row in found.told["rows"]],
        }  # fmt: skip

    def _keep(self, drafts: Sequence[dict[str, Any]], state: Moment, by: Actor, supersede: str) -> dict[str, Any]:
        records = self._house.records
        fresh: list[dict[str, Any]] = []
        rows: list[tuple[str, dict[str, Any]]] = []
        ids: list[str] = []
        older: list[tuple[Record, str]] = []
        standing = self._standing(drafts)
        for draft in drafts:
            mine = []
            for one in draft["figures"]:
                was = standing.get((draft["question"]["scope"], one["indicator"]))
                if was is not None and _same(was, draft, one):
                    ids.append(was.id)
                    continue
                if was is not None:
                    older.append((was, one["id"]))
                mine.append((one["id"], _row(draft, one, by, self._house.clock.now())))
            if mine:
                fresh.append(draft)
                rows += mine
                ids += [id for id, _ in mine]
        if older and not supersede:
            named = ", ".join(f"{was.id} ({was.data['title']})" for was, _ in older[:3])
            raise Conflict(
                f"{len(older)} figures on this question are published and read otherwise: {named}; "
                "say why they give way (supersede), or withdraw them first"
            )
        self.passports.keep([(one["id"], state.at, one, [id for id, _ in one["verdicts"]]) for one in fresh])
        if rows:
            records.put_many("figure", rows, by)
        for was, new in older:
            given = {"reason": supersede, "superseded_by": new}
            records.step("figure", was.id, "supersede", given, Actor(by.name, (*by.roles, *SYSTEM.roles)))
        items = [self._told(records.get("figure", id)) for id in ids]
        return {"items": items, "total": len(items), "new": len(rows), "superseded": len(older), "as_of": state.at}

    def _standing(self, drafts: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Record]:
        """Figures published on the same questions, by (scope, indicator)."""
        asked = drafts[0]["question"]
        found = self._house.records.find(
            "figure", {"subject": asked["subject"], "period": asked["period"], "at": asked["at"]},
            states=["published"], limit=EVERYTHING, order="created_at",
        )  # fmt: skip
        return {(one.data["scope"], one.data["indicator"]): one for one in found}

    def withdraw(self, id: str, reason: str, by: Actor) -> dict[str, Any]:
        """Withdraw a figure; it can still be shown."""
        return self._told(self._house.records.step("figure", id, "withdraw", {"reason": reason}, by))

    # --- asking -------------------------------------------------------------------------------------------------------

    def find(
        self, *, text: str = "", offset: int = 0, limit: int = 200, states: Sequence[str] = (), **where: str
    ) -> dict[str, Any]:
        """Figures, newest first; `where` on subject, scope, period, at, year, indicator, report, publication."""
        wanted = {name: value for name, value in where.items() if value}
        records = self._house.records
        found = records.find(
            "figure", wanted, text=text, states=states, order="-created_at", limit=min(limit, LISTED_AT_MOST),
            offset=offset,
        )  # fmt: skip
        total = records.count("figure", wanted, text=text, states=states)
        return {"items": [self._told(one) for one in found], "total": total, "cut": max(0, total - offset - len(found))}

    def show(self, id: str) -> dict[str, Any]:
        """A figure printed again as of its day, and what it would be today, with every cause of difference.

        Raises
        ------
        NotFound
            For an unknown id.
        NotReproduced
            When the stores as they stood then do not give the same digests and the same bytes; names where.
        """
        record = self._house.records.get("figure", id)
        content = self.passports.content(record.data["publication"])
        stores = Stores(self._house, self.passports)
        then, was = self._reproduced(stores, [record], content)
        now, causes = self._today(stores, content, then, was)
        printed = now.printed().get(record.data["indicator"]) if now else None
        same = printed == record.data["printed"]
        return self._told(record) | {
            "passport": _passport(content),
            "today": {"printed": printed, "figure": _figure_of(now, record.data["indicator"]),
                      "lines": [] if same else differing_lines(record.data["printed"], printed or "")},
            "same": same, "unchanged": not causes, "causes": merged((cause, [record.id]) for cause in causes),
        }  # fmt: skip

    def reprint(self, id: str) -> str:
        """The printed text as of its day, worked out again from the stores; raises as `show`."""
        record = self._house.records.get("figure", id)
        content = self.passports.content(record.data["publication"])
        _, was = self._reproduced(Stores(self._house, self.passports), [record], content)
        return was.printed()[record.data["indicator"]]

    def diff(self, id: str) -> dict[str, Any]:
        """The part of `show` that compares with today."""
        told = self.show(id)
        return {name: told[name] for name in ("id", "title", "printed", "today", "same", "causes", "unchanged")}

    def differences(self, **where: str) -> dict[str, Any]:
        """What became of many published figures (`where` as `find`): every cause once, with the figures it reaches.

        Each figure is first printed again as of its day; those that cannot be are listed as ``problems``.
        """
        wanted = {name: value for name, value in where.items() if value}
        records = self._house.records.find("figure", wanted, states=["published"], limit=EVERYTHING, order="created_at")
        by_publication: dict[str, list[Record]] = {}
        for one in records:
            by_publication.setdefault(one.data["publication"], []).append(one)
        causes: list[tuple[Cause, Sequence[str]]] = []
        differing, problems, reached = [], [], set[str]()
        stores = Stores(self._house, self.passports, wide=True)
        for publication, mine in by_publication.items():
            content = self.passports.content(publication)
            try:
                then, was = self._reproduced(stores, mine, content)
            except NotReproduced as wrong:
                problems += [{"id": one.id, "title": one.data["title"], **wrong.details()} for one in mine]
                continue
            now, found = self._today(stores, content, then, was)
            ids = [one.id for one in mine]
            causes += [(cause, ids) for cause in found]
            reached |= set(ids) if found else set()
            printed = now.printed() if now else {}
            for one in mine:
                if printed.get(one.data["indicator"]) != one.data["printed"]:
                    differing.append({"id": one.id, "title": one.data["title"], "was": one.data["figure"],
                                      "now": _figure_of(now, one.data["indicator"])})  # fmt: skip
        told = merged(causes)
        return {
            "figures": len(records), "reached": len(reached), "differing": differing, "causes": told,
            "total": len(told), "problems": problems,
        }  # fmt: skip

    def dependents_of(self, verdicts: Iterable[int]) -> list[dict[str, Any]]:
        """Published figures whose inputs contain one of these verdicts (ids), each with those it contains: one indexed
        question, for the cascade of a correction."""
        found = self.passports.resting_on(list(verdicts))
        if not found:
            return []
        records = self._house.records.find(
            "figure", {"publication": sorted(found)}, states=["published"], limit=EVERYTHING, order="id"
        )
        return [
            {"id": one.id, "title": one.data["title"], "indicator": one.data["indicator"],
             "subject": one.data["subject"], "scope": one.data["scope"], "period": one.data["period"],
             "at": one.data["at"], "figure": one.data["figure"],
             "unit": one.data["unit"], "report": one.data["report"], "verdicts": found[one.data["publication"]]}
            for one in records
        ]  # fmt: skip

    # --- sealing ------------------------------------------------------------------------------------------------------

    def bundle(self, year: int) -> Bundle:
        """The sealed bundle of a year's figures, signed by the node's key; see `bundle.make`."""
        with self._lock:
            return make(self._house, self.passports, year, node_key(self._house.settings.folder))

    def public_key(self) -> str:
        """The node's public key, 64 hex digits."""
        return public_text(node_key(self._house.settings.folder))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _reproduced(
        self, stores: Stores, records: Sequence[Record], content: Mapping[str, Any]
    ) -> tuple[Moment, Answer]:
        """The answer as of the day of publishing of figures of one publication; raises `NotReproduced`."""
        question, edition = Question.of(content["question"]), content["edition"]
        state = stores.moment(content["as_of"], content["mark"])
        try:
            was = stores.ask_in_edition(question, state, date.fromisoformat(edition["on"]), edition["zh"])
            problems = _mismatches(stores, records, content, state, was)
        except JinyunError as wrong:
            problems = {wrong.code: str(wrong)}
        if problems:
            if content["code_version"] != __version__:
                problems["code version"] = f"published by {content['code_version']}, this is {__version__}"
            raise NotReproduced(records[0].id, problems)
        return state, was

    def _today(
        self, stores: Stores, content: Mapping[str, Any], then: Moment, was: Answer
    ) -> tuple[Answer | None, Sequence[Cause]]:
        """Today's answer to the same question, and the causes; None when the question cannot be asked any more."""
        question, today = Question.of(content["question"]), stores.today()
        differ = Differ(stores, then, today, content["code_version"])
        try:
            now = stores.ask(question, today)
        except JinyunError:  # its only site, or all of them, are gone
            return None, differ.gone(was)
        return now, differ.causes(question, was, now)

    def _told(self, record: Record) -> dict[str, Any]:
        return record_dict(record, FIGURE, ())


def _mismatches(
    stores: Stores, records: Sequence[Record], content: Mapping[str, Any], state: Moment, was: Answer
) -> dict[str, str]:
    """Where the stores of then and the passport do not say the same."""
    problems: dict[str, str] = {}
    ids = sorted(row.id for row in was.rows.values())
    kept: dict[int, str] = dict(content["verdicts"])
    if extra := sorted(set(ids) ^ set(kept)):
        problems["verdicts"] = f"the store of then has {len(ids)}, published on {len(kept)}: {extra[:5]} in one only"
    digests = stores.digests(kept)
    if wrong := [id for id in kept if digests[id] != kept[id]]:
        problems["digest of verdict"] = ", ".join(map(str, wrong[:5]))
    sites = [[s.id, state.versions[s.id], site_basis(s.data)] for s in was.scope.sites]
    if sites != content["sites"]:
        named = [old[0] for old, new in zip(content["sites"], sites, strict=False) if old != new]
        problems["sites"] = f"the register of then reads otherwise: {', '.join(named[:5]) or 'their number'}"
    digest, printed = inputs_digest(content["question"], sites, digests.items()), was.printed()
    stored = {one["id"]: one["printed"] for one in content["figures"]}
    for record in records:
        text, indicator = record.data["printed"], record.data["indicator"]
        if digest != record.data["inputs_digest"]:
            problems["inputs digest"] = f"published {record.data['inputs_digest']}, the stores give {digest}"
        for name, other in (("passport", stored.get(record.id)), ("worked out again", printed.get(indicator))):
            if other != text:
                where = f"{indicator}, printed text, {name}"
                problems[where] = ", ".join(differing_lines(text, other or "")) or "line ends"
    return problems


def _row(draft: Mapping[str, Any], one: Mapping[str, Any], by: Actor, now: int) -> dict[str, Any]:
    """The record of one figure."""
    question, figure, indicator = draft["question"], one["figure"], one["indicator"]
    defined = definition_of(question["subject"], indicator)
    definition = "" if defined is None else f"{defined.zh}（{defined.clause}）" if defined.clause else defined.zh
    return {
        "title": f"{draft['scope']['zh']} {draft['period']['zh']} {figure['zh']}", "indicator": indicator,
        "definition": definition or None, "subject": question["subject"], "scope": question["scope"],
        "scope_name": draft["scope"]["zh"], "period": question["period"], "at": question["at"],
        "year": int(question["at"][:4]), "figure": figure["figure"], "unit": figure["unit"] or None,
        "printed": one["printed"], "edition": draft["edition"]["zh"], "edition_on": draft["edition"]["on"],
        "inputs_digest": draft["inputs_digest"], "inputs": len(draft["verdicts"]),
        "code_version": draft["code_version"], "published_on": china_time(now // 1_000_000).date().isoformat(),
        "as_of": draft["as_of"], "by": by.name, "report": draft["report"] or None, "publication": draft["id"],
    }  # fmt: skip


def _same(was: Record, draft: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    return (was.data["inputs_digest"], was.data["printed"]) == (draft["inputs_digest"], one["printed"])


def _figure_of(answer: Answer | None, indicator: str) -> str | None:
    if answer is None:
        return None
    return next((one["figure"] for one in answer.told["figures"] if one["id"] == indicator), None)


def _passport(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "as_of": content["as_of"], "code_version": content["code_version"], "inputs_digest": content["inputs_digest"],
        "edition": content["edition"], "verdicts": len(content["verdicts"]), "sites": len(content["sites"]),
        "newest_verdict": content["mark"], "reprinted": True,
    }  # fmt: skip
