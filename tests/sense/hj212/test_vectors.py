"""The shared vectors agree: 242 packets, 39 streams."""

import base64
import json
from pathlib import Path

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import vectors

DATA = Path(__file__).parents[2] / "data" / "hj212"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "hj212"


@pytest.mark.parametrize("folder", [DATA, SHARED], ids=["copied", "shared"])
def test_all_shared_vectors_agree(folder):
    if not folder.is_dir():
        pytest.skip("../shared is not here")
    packets = vectors.check_packets(folder / "packets.jsonl")
    streams = vectors.check_streams(folder / "streams.jsonl")
    assert [case for case in (*packets, *streams) if not case.passed] == []
    assert (len(packets), len(streams)) == (242, 39)


def test_a_wrong_vector_fails_and_says_why(tmp_path):
    row = json.loads((DATA / "packets.jsonl").read_text(encoding="utf-8").splitlines()[64])
    spoiled = tmp_path / "p.jsonl"
    spoiled.write_text(json.dumps({**row, "raw": row["raw"].replace("40.1", "40.2", 1)}), encoding="utf-8")
    [case] = vectors.check_packets(spoiled)
    assert not case.passed
    assert "valid_crc" in case.detail
    stream = json.loads((DATA / "streams.jsonl").read_text(encoding="utf-8").splitlines()[0])
    spoiled.write_text(json.dumps({**stream, "frames_b64": stream["frames_b64"][:-1]}), encoding="utf-8")
    [case] = vectors.check_streams(spoiled)
    assert "4 frames, should be 3" in case.detail


def test_files_that_are_none_are_refused_by_line(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "p1", "raw": "##"}\nnot json\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"bad\.jsonl line 2"):
        vectors.check_packets(bad)
    with pytest.raises(BadInput, match="needs chunks_b64"):
        vectors.check_streams(bad)
    with pytest.raises(BadInput, match="cannot read"):
        vectors.check_packets(tmp_path / "absent.jsonl")


def test_a_capture_decodes_to_lines_ready_for_json():
    rows = {row["id"]: row for row in map(json.loads, (DATA / "packets.jsonl").open(encoding="utf-8"))}
    capture = b"AT\r\n" + rows["p065"]["raw"].encode() + rows["p125"]["raw"].encode()
    for blocks in ([capture], [capture[:100], capture[100:]]):
        told = list(vectors.decode_lines(blocks))
        json.dumps(told)
        assert [row.get("refused") for row in told if "refused" in row] == ["noise", "crc-wrong"]
        [frame] = [row for row in told if "refused" not in row]
        assert frame["time"] == "2016-08-01T08:40:00+08:00"
        cod = next(one for one in frame["values"] if one["name"] == "w01018-Cou")
        assert (cod["factor"], cod["value"], cod["unit"], cod["flag"]) == ("cod_cr", "10.5", "kg", "NORMAL")


def test_json_lines_decode_every_packet(tmp_path):
    with (DATA / "packets.jsonl").open("rb") as stream:
        told = list(vectors.decode_lines(stream))
    assert len(told) == 242
    assert [row["id"] for row in told if row.get("refused")] == ["p151"]
    assert list(vectors.decode_lines([b'{"id": 1}\n{"raw_b64": "!"}\nx']))[-1]["refused"] == "bad-line"
    assert list(vectors.decode_lines([])) == []


def test_exact_text():
    assert [vectors.exact(value) for value in (0, 1, -500_000, 40_100_000, -(2**63))] == [
        "0",
        "0.000001",
        "-0.5",
        "40.1",
        None,
    ]


def test_base64_packets_are_read():
    raw = base64.b64encode(b"##0010ST=1;CN=22").decode()
    assert next(vectors.decode_lines([json.dumps({"id": "x", "raw_b64": raw}).encode()]))["id"] == "x"
