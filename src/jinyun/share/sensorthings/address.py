"""Resource paths: ``Things('x')/Datastreams(3)/Observations/$ref``. OGC 18-088 9.2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinyun.share.sensorthings.errors import BadQuery, NoSuchEntity
from jinyun.share.sensorthings.model import KINDS, Entity, Id, Kind
from jinyun.share.sensorthings.rows import split_id
from jinyun.share.sensorthings.source import Source

_SEGMENT = re.compile(r"([A-Za-z$@][\w.@]*)(?:\((?:(-?\d{1,18})|'((?:[^']|'')*)')\))?(?:/|$)")
MOST_SEGMENTS = 12


@dataclass(frozen=True, slots=True)
class Address:
    """Where a path leads: to a collection (`entity` None, or the one it belongs to with `relation`), to an entity, or
    to a property of it."""

    kind: Kind
    entity: Entity | None = None
    parent: Entity | None = None
    relation: str = ""
    keys: tuple[str, ...] = ()  # property, and keys inside of it
    ref: bool = False
    value: bool = False
    count: bool = False

    @property
    def many(self) -> bool:
        return self.entity is None


def segments(path: str) -> list[tuple[str, Id | None]]:
    """(name, id) of each part; slashes inside of quoted ids are theirs."""
    found: list[tuple[str, Id | None]] = []
    place = 0
    while place < len(path):
        hit = _SEGMENT.match(path, place)
        if hit is None or len(found) >= MOST_SEGMENTS:
            raise BadQuery(f"{path[:80]!r} is no path here; e.g. Things('x')/Datastreams(3)/Observations")
        name, number, text = hit.groups()
        id: Id | None = int(number) if number is not None else None if text is None else text.replace("''", "'")
        found.append((name, id))
        place = hit.end()
    return found


class Finder:
    """Follows paths through the entities of a source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def find(self, path: str) -> Address:
        """Raises `NoSuchEntity` for what is not there, `BadQuery` for what is no path."""
        parts = segments(path)
        name, id = parts[0]
        if name not in KINDS:
            raise NoSuchEntity(f"there is no {name!r} here; known: {', '.join(KINDS)}")
        here = Address(KINDS[name])
        if id is not None:
            here = Address(here.kind, self._one(here.kind, id))
        for name, id in parts[1:]:
            here = self._step(here, name, id)
        return here

    def _one(self, kind: Kind, id: Id) -> Entity:
        if kind.plural == "Observations":
            key = split_id(id)
            row = None if key is None else self._source.row(*key)
            if row is not None:
                return Entity(kind, str(id), {}, row.series)
        elif (found := self._source.get(kind.plural, id)) is not None:
            return found
        raise NoSuchEntity(f"there is no {kind.singular} {id!r}")

    def _step(self, here: Address, name: str, id: Id | None) -> Address:
        if here.ref or here.value or here.count:
            raise BadQuery("nothing comes after $ref, $value and $count")
        if name == "$ref" and not here.keys:
            return Address(here.kind, here.entity, here.parent, here.relation, ref=True)
        if name == "$count" and here.many:
            return Address(here.kind, None, here.parent, here.relation, count=True)
        if here.entity is None:
            raise NoSuchEntity(f"{here.kind.plural} is a collection; name one: {here.kind.plural}(id)/{name}")
        if here.keys:
            if name == "$value":
                return Address(here.kind, here.entity, keys=here.keys, value=True)
            return Address(here.kind, here.entity, keys=(*here.keys, name))
        if name in here.kind.relations:
            return self._follow(here.kind, here.entity, name, id)
        if name in (*here.kind.properties, "id", "@iot.id", "@iot.selfLink") and id is None:
            return Address(here.kind, here.entity, keys=(name,))
        known = (*here.kind.properties, *here.kind.relations)
        raise NoSuchEntity(f"{here.kind.singular} has no {name!r}; known: {', '.join(known)}")

    def _follow(self, kind: Kind, entity: Entity, name: str, id: Id | None) -> Address:
        target, many = kind.relations[name]
        if many and id is None:
            return Address(KINDS[target], None, entity, name)
        if many and id is not None and target == "Observations":
            key = split_id(id)
            if key is None or key[0] not in self._source.series_of(entity):
                raise NoSuchEntity(f"{entity.address} has no Observation {id!r}")
            return Address(KINDS[target], self._one(KINDS[target], id))
        found = self.related(entity, name)
        hit = next((one for one in found if id is None or one.id == id), None)
        if hit is None:
            raise NoSuchEntity(f"{entity.address} has no {name}" + ("" if id is None else f" {id!r}"))
        return Address(KINDS[target], hit)

    def related(self, entity: Entity, relation: str) -> tuple[Entity, ...]:
        """Targets of a relation but Observations; also of an Observation."""
        if entity.kind.plural != "Observations":
            return tuple(self._source.related(entity, relation))
        datastream = self._source.get("Datastreams", entity.series)
        if datastream is None:
            return ()
        if relation == "Datastream":
            return (datastream,)
        things = self._source.related(datastream, "Thing")
        found = (self._source.get("FeaturesOfInterest", one.id) for one in things)
        return tuple(one for one in found if one is not None)
