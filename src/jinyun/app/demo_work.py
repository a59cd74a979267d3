"""The demo's desks: units, people, duty, complaints, rectification, works, patrols and tasks of an invented bureau.

They come in through the registers, step by step as its people would. Every title says that it is for demonstration.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.services.registers import Registers
from jinyun.kernel.errors import NotFound
from jinyun.kernel.ports import Actor
from jinyun.sim.bureau import Item, Person, bureau

DEMO = Actor("demo", ("system",))
NOTE = "演示数据"
SIZE = (720, 480)
SCENES: Mapping[str, tuple[str, str, str]] = {
    "before": ("#c9d3d9", "#6e6650", "#5d5137"), "after": ("#cfe6f5", "#5f8f4e", "#3f7f93"),
    "find": ("#cfe6f5", "#5f8f4e", "#6d8580"),
}  # fmt: skip
"""Picture: colours of sky, bank and water."""


def put_work(house: House) -> None:
    """Fill the desks; what is there already is left as it is."""
    registers = Registers(house)
    for item in bureau(house.clock.now() // 1_000_000).items:
        try:
            house.records.get(item.type, item.id)
        except NotFound:
            _put(registers, item)


def _put(registers: Registers, item: Item) -> None:
    data = dict(item.data)
    if item.pictures:
        data["before"] = [_picture(registers, "before", DEMO)]
    registers.create(item.type, data, DEMO, record_id=item.id, note=NOTE)
    for step in item.steps:
        actor = _actor(step.by)
        given = {name: _given(registers, value, actor) for name, value in step.given.items()}
        registers.step(item.type, item.id, step.name, given, actor, note=NOTE)


def _given(registers: Registers, value: Any, actor: Actor) -> Any:
    return [_picture(registers, value[1:], actor)] if isinstance(value, str) and value[:1] == "@" else value


def _actor(person: Person) -> Actor:
    return Actor(person.name, person.roles, unit=person.unit)


def _picture(registers: Registers, scene: str, actor: Actor) -> str:
    """A drawn river that says it is drawn, taken in as any upload is; its id."""
    sky, bank, water = SCENES[scene]
    picture = Image.new("RGB", SIZE, sky)
    draw = ImageDraw.Draw(picture)
    (width, height), chance = SIZE, random.Random(scene)
    draw.rectangle((0, height * 2 // 5, width, height), fill=bank)
    draw.polygon(
        [(width * 0.42, height * 0.4), (width * 0.56, height * 0.4), (width * 0.95, height), (0, height)], water
    )
    for _ in range(40 if scene == "find" else 90 if scene == "before" else 12):  # foam, litter, reeds
        x, y, r = chance.uniform(0.2, 0.8) * width, chance.uniform(0.55, 0.97) * height, chance.uniform(3, 9)
        draw.ellipse((x - r, y - r / 2, x + r, y + r / 2), fill="#f4f4f0" if scene == "find" else bank)
    draw.text((16, 14), f"DEMO picture, drawn: {scene}", fill="#20303a", font_size=24)
    incoming = registers.attachments.receive(f"demo-{scene}.jpg")
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=88)
    incoming.write(content.getvalue())
    return str(registers.attachments.upload(incoming, actor)["id"])


def people(house: House, accounts: Accounts) -> tuple[list[tuple[str, str]], str]:
    """Accounts of the bureau's people, all with one generated password: ((name, role) …, password)."""
    password, told = "", []
    for one in bureau(house.clock.now() // 1_000_000).people:
        password = accounts.create(one.name, password or None, one.roles, unit=one.unit, by=DEMO.name)
        told.append((one.name, one.roles[0]))
    return told, password
