"""Fan-out: topics, slow listeners, resume."""

import asyncio
import threading

from jinyun.app.bus import RECENT, LocalBus


async def test_each_listener_hears_its_topics_from_any_thread():
    bus = LocalBus(asyncio.get_running_loop())
    every, alarms = bus.listen(), bus.listen(frozenset({"alarm"}))
    thread = threading.Thread(target=lambda: [bus.publish("link", {"n": 1}), bus.publish("alarm", {"n": 2})])
    thread.start()
    thread.join()
    await asyncio.sleep(0.01)
    assert [every.queue.get_nowait().data["n"] for _ in range(2)] == [1, 2]
    assert alarms.queue.get_nowait().topic == "alarm"
    assert alarms.queue.empty()


async def test_a_slow_listener_is_marked_and_holds_up_nobody():
    bus = LocalBus(asyncio.get_running_loop())
    slow, quick = bus.listen(size=2), bus.listen()
    for number in range(5):
        bus.publish("x", {"n": number})
    await asyncio.sleep(0.01)
    assert slow.overflowed
    assert quick.queue.qsize() == 5
    bus.leave(slow)
    assert bus.listeners == [quick]


def test_since_gives_what_is_kept_or_says_it_cannot():
    bus = LocalBus()
    for number in range(RECENT + 10):
        bus.publish("x", {"n": number})
    assert [e.data["n"] for e in bus.since(RECENT + 8)] == [RECENT + 8, RECENT + 9]
    assert bus.since(3) is None
