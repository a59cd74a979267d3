"""Check values printed in HJ 212-2017 Annex A and HJ 212-2025 Annex A.1."""

import json
from pathlib import Path

import pytest

from jinyun.sense.hj212 import crc

ANNEX_2017 = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
ANNEX_2025 = b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&"
PACKETS = Path(__file__).parents[2] / "data" / "hj212" / "packets.jsonl"


@pytest.mark.parametrize(
    ("segment", "printed"),
    [(b"", "FFFF"), (b"\0", "4040"), (ANNEX_2017, "1C80"), (ANNEX_2025, "2200")],  # one place misprints 1C08
)
def test_check_values(segment, printed):
    assert crc.text(segment) == printed
    assert f"{crc.crc16_plain(segment):04X}" == printed


@pytest.mark.parametrize("size", [1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 256, 257, 512, 513, 1024, 1715, 8192])
def test_folding_agrees_with_the_annexs_loop_at_every_edge(size):
    segment = bytes((index * 37 + size) % 256 for index in range(size))
    assert crc.crc16(segment) == crc.crc16_plain(segment)


def test_neighbours_check_values():
    # the catalogue's check string: CRC-16/MODBUS 4B37, CRC-16/ARC BB3D
    assert crc.text(b"123456789", "modbus") == "4B37"
    assert crc.text(b"123456789", "modbus_swapped") == "374B"
    assert crc.text(b"123456789", "arc") == "BB3D"
    assert set(crc.dialects(b"123456789")) == set(crc.DIALECTS)
    with pytest.raises(ValueError, match="no CRC dialect 'xmodem'"):
        crc.text(b"1", "xmodem")


def test_guess():
    assert crc.guess(ANNEX_2017, "1c80") == "hj212"
    assert crc.guess(ANNEX_2017, crc.text(ANNEX_2017, "modbus")) == "modbus"
    assert crc.guess(ANNEX_2017, "1C08") == "mismatch"
    assert crc.guess(ANNEX_2017, "") == "none"


def test_only_256_values_exist_and_foreign_dialects_of_the_shared_packets_are_outside():
    assert len(crc.VALUES) == 256
    assert {value & 0xFF for value in crc.VALUES} == {0x00, 0x01, 0x40, 0x41, 0x80, 0x81, 0xC0, 0xC1}
    for line in PACKETS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["crc_dialect"] in ("modbus", "modbus_swapped", "arc") and row["raw"]:
            sent = row["raw"].rstrip("\r\n")[-4:]
            # rules §2.2: all foreign ones are outside, but swapped 0681 and 6F8B: the latter's low byte is not possible
            if int(sent, 16) in crc.VALUES:
                assert row["id"] == "p150"


def test_swaps_at_a_distance_of_eight_are_never_noticed():
    # rules §2.2: the reason not to trust this CRC alone
    swapped = bytearray(ANNEX_2017)
    swapped[10], swapped[18] = swapped[18], swapped[10]
    assert bytes(swapped) != ANNEX_2017
    assert crc.crc16(bytes(swapped)) == crc.crc16(ANNEX_2017)
