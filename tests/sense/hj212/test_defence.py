"""Probes, buckets, sampling and patience, without sockets."""

from __future__ import annotations

import pytest

from jinyun.sense.hj212.defence import Patience, RefusalGate, TokenBucket, probe


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", "http"),
        (b"POST /api HTTP/1.0\r\n", "http"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http"),
        (bytes.fromhex("1603010200010001fc0303"), "tls"),
        (b"CONNECT 9600\r\n##0101QN=", None),  # a modem, not a proxy request
        (b"ATE0\r\nOK\r\n", None),
        (b"##0101QN=20160801085857223;", None),
        (b"", None),
    ],
)
def test_probes_are_told_from_modems(first, reason):
    found = probe(first)
    assert (found[0] if found else None) == reason


def test_bucket_allows_burst_then_rate():
    bucket = TokenBucket(10.0, 5.0)
    assert [bucket.take(100.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(100.15)
    assert not bucket.take(100.15)
    assert bucket.fill(1000.0) == 5.0


def test_gate_keeps_the_first_and_counts_the_rest():
    gate = RefusalGate(keep=3, window=60.0)
    assert [gate.admit("p", "noise", 0.0) for _ in range(10)].count(True) == 3
    assert gate.admit("q", "noise", 0.0)
    assert gate.summaries(59.0) == []
    assert gate.summaries(60.0) == [("p", "noise", 7)]
    assert gate.admit("p", "noise", 61.0)
    assert gate.total == {"noise": 12}


def test_gate_is_bounded_whoever_comes():
    gate = RefusalGate(keep=2, keys=100)
    kept = sum(gate.admit(f"peer{n}", "noise", 0.0) for n in range(10_000))
    assert len(gate.samples) <= 101
    assert kept == 100 + 2
    assert gate.total["noise"] == 10_000


def test_patience_ends_with_bytes_or_with_time():
    patience = Patience(1000, 30.0)
    assert patience.received(900, 0, 0, 0.0) is None
    assert patience.received(200, 1, 0, 1.0) is None  # a frame pays for the noise before it
    assert patience.received(1001, 0, 0, 2.0) == "noise"
    patience = Patience(1000, 30.0)
    patience.received(1, 0, 1, 0.0)
    patience.received(1, 0, 2, 29.0)
    assert not patience.overdue(30.0)
    assert patience.overdue(30.1)
    patience.received(50, 1, 0, 31.0)
    assert not patience.overdue(1e9)
