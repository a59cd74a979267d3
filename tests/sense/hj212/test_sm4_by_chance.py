"""There are 256 CRCs only, so one ciphertext in 256 has the CRC of its plaintext: it is still read as ciphertext.

Found by the fault-script flow: such frames had been acknowledged, and their figures lost.
"""

from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.crc import crc16
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import parse

KEY = bytes(range(16))


def frames():
    for n in range(3000):
        (frame,) = compose.upload(
            "2061", mn="010000A8900016F000169DC0", st="32", time=1_772_294_400 + 3600 * n, qn="20260301000000000",
            items=[compose.item("w01018", "N", Avg=f"{n / 10:.1f}", Min="0.1", Max="500.0")], edition=2025, sm4_key=KEY,
        )  # fmt: skip
        yield n, frame


def test_every_encrypted_frame_is_read_with_its_key():
    by_chance = 0
    for n, data in frames():
        (frame,) = Framer(sm4_key=KEY).feed(data)
        by_chance += crc16(frame.segment) == int(frame.crc_text, 16)
        packet = parse(frame, sm4_key=KEY)
        assert packet.encrypted
        assert packet.get("w01018-Avg") == f"{n / 10:.1f}"
    assert by_chance > 0  # the case is in the sample: about one in 256


def test_a_plain_2025_frame_of_a_device_with_a_key_stays_plain():
    text = compose.segment(
        "3020", st="32", pw="123456", mn="M1", qn="20260301000000000", flag=9, cp="i11001-Info=//运行//"
    )
    (frame,) = Framer(sm4_key=KEY).feed(compose.frame(text))
    assert frame.plain is None
    assert "运行" in parse(frame, sm4_key=KEY).cp
