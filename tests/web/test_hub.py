"""Live events: coalesced per site, resumable by id, slow pages told to read anew, nothing lost in between."""

import asyncio
import json
import time

import pytest

from jinyun.app.bus import LocalBus
from jinyun.web import sse
from jinyun.web.sse import Hub


def parsed(chunk):
    """Events of one piece of stream: (id, event, data)."""
    found = []
    for block in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


class Reader:
    """One page's end of a stream: a task takes what comes, as a socket would."""

    def __init__(self, hub, topics=frozenset(), last="", holds=lambda: True):
        self.stream = hub.stream(frozenset(topics), last, holds)
        self.got = asyncio.Queue()
        self.raw = b""
        self.task = asyncio.create_task(self._take())

    async def _take(self):
        async for chunk in self.stream:
            self.raw += chunk
            for one in parsed(chunk):
                if one[1] != "ping":
                    self.got.put_nowait(one)
        self.got.put_nowait(None)  # the stream ended

    async def next(self, timeout=60.0):
        return await asyncio.wait_for(self.got.get(), timeout)

    async def nothing(self, seconds=0.4):
        await asyncio.sleep(seconds)
        assert self.got.empty()

    async def close(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.stream.aclose()


@pytest.fixture
def values():
    return {"asked": [], "new": set()}


@pytest.fixture
async def hub(values):
    bus = LocalBus()

    def read(sites):
        values["asked"].append(list(sites))
        if len(values["asked"]) <= values.get("late", 0):
            return {}
        fresh = [site for site in sites if site in values["new"]]
        values["new"].difference_update(fresh)
        return {site: [{"factor": "ph", "value": "7.1"}] for site in fresh}

    hub = Hub(bus, read, lambda: 1_000)
    hub.bus = bus

    def arrive(site):
        values["new"].add(site)
        bus.publish("arrival", {"site": site})

    hub.arrive = arrive
    return hub


async def test_first_event_gives_an_id_to_resume_from(hub):
    reader = Reader(hub)
    assert (await reader.next())[1] == "hello"


async def test_events_come_in_order_with_rising_ids_and_only_wanted_topics(hub):
    reader = Reader(hub, {"alarm", "case"})
    await reader.next()
    for number in range(3):
        hub.bus.publish("alarm", {"at": number})
        hub.bus.publish("verdict", {"at": number})
    got = [await reader.next() for _ in range(3)]
    assert [(event, data["at"]) for _, event, data in got] == [("alarm", 0), ("alarm", 1), ("alarm", 2)]
    numbers = [int(id_.rsplit("-", 1)[1]) for id_, _, _ in got]
    assert numbers == sorted(set(numbers))
    await reader.nothing()


async def test_events_may_be_published_from_any_thread(hub):
    reader = Reader(hub)
    await reader.next()
    await asyncio.to_thread(hub.bus.publish, "case", {"id": "c1"})
    assert (await reader.next())[2] == {"at": 1_000, "id": "c1"}


async def test_many_arrivals_of_a_site_become_one_event_a_second(hub, values):
    reader = Reader(hub)
    await reader.next()
    began = time.monotonic()
    for _ in range(60):
        hub.arrive("s1")
        await asyncio.sleep(0.03)
    while reader.got.qsize() < 2:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.2)  # what is too much would come now
    arriving = time.monotonic() - began - 1.2
    seen = [reader.got.get_nowait() for _ in range(reader.got.qsize())]
    assert {event for _, event, _ in seen} == {"reading"}
    assert seen[0][2] == {"at": 1_000, "site": "s1", "values": [{"factor": "ph", "value": "7.1"}]}
    assert 2 <= len(seen) <= int(arriving) + 2  # at most one a second, and the rest after the last


async def test_a_value_whose_commit_takes_a_moment_is_not_lost(hub, values):
    values["late"] = 3
    reader = Reader(hub)
    await reader.next()
    hub.arrive("s1")
    assert (await reader.next())[1] == "reading"
    assert len(values["asked"]) == 4
    values["new"].add("s1")  # a second message came with the first, and was committed after it
    assert (await reader.next())[1] == "reading"
    looked, tries = 0, 0
    while looked != len(values["asked"]):  # and then it rests
        looked, tries = len(values["asked"]), tries + 1
        assert tries < 20
        await reader.nothing(1.5)


async def test_a_stream_ends_with_its_log_in(hub, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.1)
    holds = [True]
    reader = Reader(hub, holds=lambda: holds[0])
    await reader.next()
    await reader.nothing(0.3)
    holds[0] = False
    assert await reader.next() is None
    assert hub.pages == 0


async def test_nothing_is_read_while_nobody_looks(hub, values):
    hub.arrive("s1")
    await asyncio.sleep(0.6)
    assert values["asked"] == []


async def test_resume_gives_what_was_missed(hub):
    first = Reader(hub)
    await first.next()
    hub.bus.publish("alarm", {"at": 1})
    last, _, _ = await first.next()
    await first.close()
    witness = Reader(hub)
    await witness.next()
    hub.bus.publish("alarm", {"at": 2})
    hub.bus.publish("link", {"at": 3})
    assert [(await witness.next())[2]["at"] for _ in range(2)] == [2, 3]
    again = Reader(hub, {"alarm"}, last)
    assert (await again.next())[2] == {"at": 2}
    await again.nothing()


@pytest.mark.parametrize("last", ["other-3", "nonsense", "x-99999"])
async def test_an_id_of_another_life_asks_to_read_anew(hub, last):
    reader = Reader(hub, last=last)
    assert (await reader.next())[1] == "resync"


async def test_an_id_too_old_asks_to_read_anew(hub, monkeypatch):
    first = Reader(hub)
    last, _, _ = await first.next()
    for number in range(sse.KEPT + 10):
        hub._spread("alarm", {"at": number})
    reader = Reader(hub, last=last)
    assert (await reader.next())[1] == "resync"


async def test_a_slow_page_is_told_and_let_go(hub):
    reader = Reader(hub)
    await reader.next()
    for number in range(sse.QUEUE + 5):
        hub._spread("alarm", {"at": number})
    events = []
    while (one := await reader.next()) is not None:
        events.append(one[1])
    assert events[-1] == "resync"
    assert hub.pages == 0


async def test_a_quiet_stream_has_a_heartbeat(hub, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.1)
    reader = Reader(hub)
    await reader.next()
    async with asyncio.timeout(60):
        while reader.raw.count(b"event: ping\ndata: ") < 2:  # an event: comments are seen by no page
            await asyncio.sleep(0.05)
    assert hub.pages == 1, "a page that only hears the heart stays"


async def test_a_page_that_goes_is_forgotten(hub):
    reader = Reader(hub)
    await reader.next()
    assert hub.pages == 1
    await reader.close()
    assert hub.pages == 0
