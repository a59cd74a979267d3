"""Fan-out: every tap hears every event, and a failing one holds up nobody."""

from jinyun.app.bus import LocalBus


def test_every_tap_hears_and_a_failing_one_holds_up_nobody():
    bus, heard = LocalBus(), []

    def broken(event):
        raise RuntimeError(event.topic)

    bus.taps += [broken, lambda event: heard.append((event.id, event.topic, event.data["n"]))]
    bus.publish("link", {"n": 1})
    bus.publish("alarm", {"n": 2})
    assert heard == [(1, "link", 1), (2, "alarm", 2)]
