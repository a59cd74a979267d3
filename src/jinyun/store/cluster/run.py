"""Runs shipped expressions on an engine and compares engines by their digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from jinyun.kernel.errors import NotFound, Unavailable
from jinyun.methods.window_rules import RuleBook
from jinyun.store.cluster.digest import digest
from jinyun.store.cluster.engines import Engine, need
from jinyun.store.cluster.facts import Facts, gather
from jinyun.store.cluster.finish import FINISH, Columns, columns_of
from jinyun.store.cluster.nodes import Node, check_names


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expression on one engine."""

    name: str
    engine: str
    rows: int
    digest: str  # of the engine's whole numbers
    wall: float
    cpu: float
    raw: Columns


class Run:
    """Some nodes as of their sealed sequences, over [start, end) or all they have, for any number of engines."""

    def __init__(self, nodes: Sequence[Node], book: RuleBook, start: int | None = None, end: int | None = None) -> None:
        check_names(nodes)
        self.nodes = tuple(nodes)
        times = [(one.time_from, one.time_to) for node in nodes for one in node.files]
        self.start = min(low for low, _ in times) if start is None else start
        self.end = max(high for _, high in times) + 1 if end is None else end
        self.facts: Facts = gather(self.nodes, book, self.start, self.end)
        self._open: dict[int, Any] = {}

    def ask(self, engine: Engine, name: str) -> Outcome:
        """Run a shipped expression.

        Raises
        ------
        NotFound
            With the nearest name there is.
        """
        need("ibis")
        from jinyun.store.cluster.expressions import SHIPPED

        if name not in SHIPPED:
            raise NotFound("expression", name, known=SHIPPED)
        if id(engine) not in self._open:
            self._open[id(engine)] = engine.warehouse(self.nodes, self.facts)
        answer = engine.ask(SHIPPED[name].build(self._open[id(engine)]))
        nulls = [column for column in answer.raw.column_names if answer.raw[column].null_count]
        if nulls:
            raise Unavailable(f"{engine.name} gave no number in {', '.join(nulls)} of {name}: not used")
        raw = columns_of(answer.raw)
        rows = len(next(iter(raw.values())))
        return Outcome(name, engine.name, rows, digest(raw), answer.wall, answer.cpu, raw)

    def finish(self, outcome: Outcome) -> pa.Table:
        """Names, figures, classes and indices of an engine's answer."""
        from jinyun.store.cluster.expressions import SHIPPED

        return FINISH[SHIPPED[outcome.name].finish](outcome.raw, self.facts)
