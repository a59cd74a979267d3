"""GB/T 32907-2016 example 1, and the two encrypted examples of HJ 212-2025 Annex A.2."""

import base64
import json
from pathlib import Path

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import crc, sm4
from jinyun.sense.hj212.framing import Framer, examine
from jinyun.sense.hj212.packet import BadPacket, parse

KEY = b"0" * 16
ROWS = {
    row["id"]: row
    for row in map(json.loads, (Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl").open(encoding="utf-8"))
}
ENCRYPTED = base64.b64decode(ROWS["p003"]["raw_b64"])


def test_the_standards_example():
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert sm4.encrypt(key, key).hex() == "681edf34d206965e86b3e94f536e4246"
    assert sm4.decrypt(sm4.encrypt(key, key), key) == key


def test_a_tail_shorter_than_a_group_stays_plain_and_the_length_stays():
    area = b"DataTime=20240520210600;a=1"
    closed = sm4.encrypt(area, KEY)
    assert len(closed) == len(area)
    assert closed[16:] == area[16:]
    assert sm4.decrypt(closed, KEY) == area


def test_a_key_of_wrong_length_is_refused():
    with pytest.raises(BadInput, match="16 bytes"):
        sm4.encrypt(b"x" * 16, b"short")


def test_annex_example_decrypts_with_its_crc_over_the_plaintext():
    [frame] = Framer(sm4_key=KEY).feed(ENCRYPTED)
    assert (frame.crc_dialect, frame.valid_crc, frame.crc_text) == ("hj212_plaintext", True, "B541")
    packet = parse(frame, sm4_key=KEY)
    assert packet.encrypted
    plain = ROWS["p206"]["raw"]  # the same packet in plain text
    assert plain.startswith(f"##0234{(frame.plain or b'').decode()}")
    assert crc.text(frame.plain or b"") == "B541"


def test_the_annexs_brace_notation_is_read_too():
    frame = examine(ROWS["p004"]["raw"].encode(), sm4_key=KEY)
    assert frame.plain == Framer(sm4_key=KEY).feed(ENCRYPTED)[0].plain
    [streamed] = Framer(sm4_key=KEY).feed(ROWS["p004"]["raw"].encode())
    assert streamed.plain == frame.plain
    assert not streamed.length_ok


@pytest.mark.parametrize(("key", "code"), [(b"", "sm4-no-key"), (b"1" * 16, "sm4-wrong-key")])
def test_without_the_key_the_frame_is_kept_whole_and_refused_with_a_reason(key, code):
    [frame] = Framer(sm4_key=key).feed(ENCRYPTED)
    assert frame.data == ENCRYPTED.rstrip(b"\r\n")
    assert (frame.crc_dialect, frame.valid_crc) == ("unchecked", False)
    with pytest.raises(BadPacket) as wrong:
        parse(frame, sm4_key=key)
    assert wrong.value.code == code
    assert wrong.value.mn == "010000A8900016F000169DC0"


def test_a_key_per_device():
    keys = {"010000A8900016F000169DC0": KEY}
    [frame] = Framer(sm4_key=lambda mn: keys.get(mn, b"")).feed(ENCRYPTED)
    assert frame.valid_crc
