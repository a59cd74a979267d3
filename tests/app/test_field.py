"""The field tools: decode, conformance, listen and send against each other on a real socket."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from jinyun.app import field
from jinyun.kernel.errors import BadInput, Unavailable

DATA = Path(__file__).parents[1] / "data" / "hj212"
MN = "010000A8900016F000169DC0"
CP = "DataTime=20260301080000;w01018-Rtd=40.1,w01018-Flag=N"


@contextlib.asynccontextmanager
async def listening(**given):
    shown, bound = [], asyncio.get_running_loop().create_future()
    task = asyncio.create_task(field.listen(shown.append, host="127.0.0.1", port=0, ready=bound.set_result, **given))
    try:
        yield await asyncio.wait_for(bound, 10), shown
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("edition", "crc", "key"),
    [(2005, "hj212", ""), (2017, "hj212", ""), (2017, "modbus", ""), (2025, "hj212", ""), (2025, "hj212", "30" * 16)],
)
async def test_send_is_heard_and_answered(edition, crc, key):
    async with listening(crc=crc, sm4_key=key) as (port, shown):
        frames = field.built("2011", mn=MN, cp=CP, edition=edition, crc=crc, sm4_key=key)
        [row] = await field.send(frames, host="127.0.0.1", port=port, crc=crc, sm4_key=key)
        assert row["answer"]["cn"] == "9014"
        assert row["answer"]["qn"] == next(one for one in shown if one["event"] == "frame")["qn"]
    heard = next(one for one in shown if one["event"] == "frame")
    assert (heard["mn"], heard["version"], heard["encrypted"]) == (MN, edition, bool(key))
    assert [(one["factor"], one["value"], one["flag"]) for one in heard["values"]] == [("cod_cr", "40.1", "NORMAL")]


async def test_a_wrong_dialect_is_shown_with_the_one_that_fits_and_not_answered():
    async with listening() as (port, shown):
        frames = field.built("2011", mn=MN, cp=CP, crc="arc")
        [row] = await field.send(frames, host="127.0.0.1", port=port, wait=0.3)
        assert row["answer"] is None
    refused = next(one for one in shown if one["event"] == "refused")
    assert (refused["refused"], refused["dialect"], refused["mn"]) == ("crc-dialect", "arc", MN)


async def test_notifications_get_9013_and_unwanted_answers_are_not_waited_for():
    async with listening() as (port, _):
        [row] = await field.send(field.built("1013", mn=MN), host="127.0.0.1", port=port)
        assert row["answer"]["cn"] == "9013"
        [row] = await field.send(field.built("2011", mn=MN, cp=CP, answer=False), host="127.0.0.1", port=port)
        assert (row["answer"], row["seconds"] < 5) == (None, True)


async def test_ports_that_are_taken_or_shut_are_named():
    async with listening() as (port, _):
        with pytest.raises(Unavailable, match=f"cannot listen on 127.0.0.1:{port}"):
            await field.listen(print, host="127.0.0.1", port=port)
    with pytest.raises(Unavailable, match="no centre at"):
        await field.send([b"x"], host="127.0.0.1", port=port, wait=1)


def test_long_records_are_split_and_bad_ones_refused():
    many = ";".join(f"w{n:05}-Rtd=1.0,w{n:05}-Flag=N" for n in range(60))
    assert len(field.built("2011", mn=MN, cp=f"DataTime=20260301080000;{many}")) > 1
    with pytest.raises(BadInput, match="more than 1024"):
        field.built("3020", mn=MN, cp="x" * 1024)
    with pytest.raises(BadInput, match="no CRC dialect"):
        field.built("2011", mn=MN, crc="crc32")
    with pytest.raises(BadInput, match="32 hex digits"):
        field.built("2011", mn=MN, sm4_key="abc")


def test_decode_and_conformance_read_files(tmp_path):
    assert sum(1 for _ in field.decode_file(str(DATA / "packets.jsonl"))) == 242
    cases = field.conformance(str(DATA / "packets.jsonl"), str(DATA / "streams.jsonl"))
    assert (len(cases), sum(case.passed for case in cases)) == (281, 281)
    with pytest.raises(BadInput, match="cannot read"):
        list(field.decode_file(str(tmp_path / "absent")))
