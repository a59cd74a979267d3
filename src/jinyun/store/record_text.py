"""Finding records by any piece of their text, also two Chinese characters: an index of neighbouring characters.

A word is found wherever it stands, as a text contains another; the index only makes it fast. On SQLite it is an FTS5
table without content, fed with the pairs of neighbouring characters of the search text, so that a phrase of pairs is
the word itself; it is written in the transaction of the record. On PostgreSQL it is a GIN index over a function that
gives a text's characters and pairs, kept by the server; no extension is needed. Both are made by revision 0009.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Engine,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    union,
    update,
)

from jinyun.store.database import reading, writing
from jinyun.store.record_rules import storable
from jinyun.store.schema import record as current

CHUNK = 500
"""Ids asked for in one statement."""
PART = 2_000
"""Records indexed in one transaction."""
grams = table("record_grams", column("rowid"), column("record_grams"))

SQLITE = "CREATE VIRTUAL TABLE record_grams USING fts5(grams, content='', tokenize='ascii')"
POSTGRESQL = (
    "CREATE FUNCTION jinyun_grams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $$ "
    "SELECT coalesce(array_agg(DISTINCT g), '{}') FROM (SELECT substr(t, n, k) AS g "
    "FROM generate_series(1, length(t)) n, generate_series(1, 2) k) pairs $$",
    "CREATE INDEX ix_record_grams ON record USING gin (jinyun_grams(search))",
)
_ADD = text("INSERT INTO record_grams(rowid, grams) VALUES (:number, :grams)")
_TAKE = text("INSERT INTO record_grams(record_grams, rowid, grams) VALUES ('delete', :number, :grams)")


_HOLDING = text(
    "SELECT asked.key FROM json_each(:asked) asked WHERE EXISTS (SELECT 1 FROM record_grams "
    "WHERE record_grams MATCH asked.value) OR EXISTS (SELECT 1 FROM record WHERE type = asked.key AND id = :id)"
)


# --- asking ----------------------------------------------------------------------------------------------------------


def text_conditions(dialect: str, type_id: str, wanted: str, *, alone: bool = True) -> list[Any]:
    """Every word of `wanted` is in the record's search text. Not `alone`: other conditions lead to the records."""
    words = storable(wanted).lower().split()
    if not words:
        return []
    if dialect == "sqlite":
        number = current.c.number if alone else literal_column("+record.number")  # SQLite: not by its index
        return [number.in_(select(grams.c.rowid).where(grams.c.record_grams.match(_match(type_id, words))))]
    pieces = list(dict.fromkeys(piece for word in words for piece in _pairs(word)))
    held = func.jinyun_grams(current.c.search).op("@>")(cast(literal(pieces, ARRAY(Text)), ARRAY(Text)))
    return [held, *(current.c.search.contains(word, autoescape=True) for word in words)]


def _match(type_id: str, words: Sequence[str]) -> str:
    """The question to FTS5: the type, and each word as a phrase of its pairs; one character begins a pair."""
    phrases = [f'"{_code(word)}" *' if len(word) == 1 else f'"{" ".join(map(_code, _pairs(word)))}"' for word in words]
    return " AND ".join((_of_type(type_id), *phrases))


def _pairs(word: str) -> Iterator[str]:
    if len(word) == 1:
        yield word
    for start in range(len(word) - 1):
        yield word[start : start + 2]


def _tokens(type_id: str, search: str) -> str:
    """What FTS5 is given of a text; the last character begins a pair too."""
    codes = [_code(one) for one in search]
    return " ".join((_of_type(type_id), *(a + b for a, b in zip(codes, [*codes[1:], ""], strict=True))))


def _code(piece: str) -> str:
    return "".join(f"{ord(one):05x}" for one in piece)


def _of_type(type_id: str) -> str:
    return "t" + type_id.encode().hex()


def types_holding(connection: Connection, wanted: str, types: Sequence[str]) -> frozenset[str]:
    """Of `types` those in which some record has every word of `wanted`, or it for its id, in one question."""
    wanted = storable(wanted)
    words = wanted.lower().split()
    if not words or not types:
        return frozenset(types)
    if connection.dialect.name == "sqlite":
        asked = {one: _match(one, words) for one in types}
        rows = connection.execute(_HOLDING, {"asked": json.dumps(asked), "id": wanted})
        return frozenset(rows.scalars())
    pieces = list(dict.fromkeys(piece for word in words for piece in _pairs(word)))
    held = func.jinyun_grams(current.c.search).op("@>")(cast(literal(pieces, ARRAY(Text)), ARRAY(Text)))
    mine = current.c.type.in_(list(types))
    query = union(select(current.c.type).where(held, mine), select(current.c.type).where(current.c.id == wanted, mine))
    return frozenset(connection.execute(query).scalars())


# --- following the records -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """What the index holds of a record."""

    number: int | None
    search: str
    deleted: bool


def held(connection: Connection, type_id: str, ids: Sequence[str]) -> dict[str, Held]:
    """What there is before a change; nothing where the server keeps the index."""
    found: dict[str, Held] = {}
    if connection.dialect.name != "sqlite":
        return found
    for start in range(0, len(ids), CHUNK):
        mine = and_(current.c.type == type_id, current.c.id.in_(ids[start : start + CHUNK]))
        query = select(current.c.id, current.c.number, current.c.search, current.c.deleted).where(mine)
        found.update({row.id: Held(row.number, row.search, row.deleted) for row in connection.execute(query)})
    return found


def follow(
    connection: Connection, type_id: str, before: Mapping[str, Held], rows: Iterable[tuple[str, str, bool]]
) -> None:
    """Take what was `before` out and put `rows` (id, search text, deleted) in; the records are written already."""
    if connection.dialect.name != "sqlite":
        return
    gone: list[dict[str, Any]] = []
    come: list[dict[str, Any]] = []
    numbered: list[dict[str, Any]] = []
    newest = -1
    for record_id, search, deleted in rows:
        old = before.get(record_id)
        indexed = old is not None and old.number is not None and not old.deleted
        if old is not None and indexed and not deleted and old.search == search:
            continue
        number = old.number if old is not None else None
        if number is None:
            newest = _newest(connection) + 1 if newest < 0 else newest + 1
            number = newest
            numbered.append({"of_type": type_id, "of_id": record_id, "new": number})
        if old is not None and indexed:
            gone.append({"number": number, "grams": _tokens(type_id, old.search)})
        if not deleted:
            come.append({"number": number, "grams": _tokens(type_id, search)})
    if numbered:
        mine = and_(current.c.type == bindparam("of_type"), current.c.id == bindparam("of_id"))
        connection.execute(update(current).where(mine).values(number=bindparam("new")), numbered)
    for statement, many in ((_TAKE, gone), (_ADD, come)):
        if many:
            connection.execute(statement, many)


def _newest(connection: Connection) -> int:
    newest: int = connection.execute(select(func.coalesce(func.max(current.c.number), 0))).scalar_one()
    return newest


def complete(engine: Engine) -> int:
    """Index what is not: after a restore, or rows that were written past the store. Returns how many were."""
    if engine.dialect.name != "sqlite":
        return 0
    with reading(engine) as connection:
        inside = connection.execute(text("SELECT count(*) FROM record_grams_docsize")).scalar_one()
        living = connection.execute(
            select(func.count()).select_from(current).where(current.c.deleted.is_(False), current.c.number > 0)
        ).scalar_one()
    if inside != living:
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO record_grams(record_grams) VALUES ('delete-all')"))
            connection.execute(update(current).where(current.c.number.is_not(None)).values(number=None))
    count = 0
    while True:
        with writing(engine) as connection:
            if not (done := _complete(connection)):
                return count
        count += done


def complete_here(connection: Connection) -> None:
    """`complete` inside a transaction: the back-fill of the revision."""
    while _complete(connection):
        pass


def _complete(connection: Connection) -> int:
    """Index a part of the living records that have no number."""
    query = select(current.c.type, current.c.id, current.c.search).where(
        current.c.number.is_(None), current.c.deleted.is_(False)
    )
    rows = list(connection.execute(query.limit(PART)))
    by_type: dict[str, list[tuple[str, str, bool]]] = {}
    for row in rows:
        by_type.setdefault(row.type, []).append((row.id, row.search, False))
    for type_id, mine in by_type.items():
        follow(connection, type_id, {}, mine)
    return len(rows)
