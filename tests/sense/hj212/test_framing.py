"""Framing and resync: what a damaged stream gives, and what the refusals say."""

import pytest

from jinyun.sense.hj212 import compose
from jinyun.sense.hj212.framing import Framer, examine

MN = "010000A8900016F000169DC0"
SEGMENT = f"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={MN};Flag=5;CP=&&RtdInterval=30&&".encode()
GOOD = b"##0101" + SEGMENT + b"1C80"  # HJ 212-2017 Annex A


def run(*chunks, **given):
    framer = Framer(**given)
    frames = [frame for chunk in chunks for frame in framer.feed(chunk)] + framer.close()
    return frames, framer.rejects(), framer


def test_the_annexs_frame():
    [frame], refused, framer = run(GOOD + b"\r\n")
    assert frame == (GOOD, SEGMENT, 101, True, "1C80", "hj212", True, None)
    assert (refused, framer.noise, framer.frames, framer.waiting) == ([], 0, 1, 0)


@pytest.mark.parametrize("tail", [b"\r\n", b"\n", b"\r", b"", b"**", b"  \r\n"])
def test_any_tail(tail):
    frames, refused, framer = run(GOOD + tail + GOOD + tail)
    assert [frame.data for frame in frames] == [GOOD, GOOD]
    assert (refused, framer.noise) == ([], 0)


def test_lower_case_crc_is_accepted():
    [frame], _, _ = run(GOOD[:-4] + b"1c80\r\n")
    assert (frame.crc_text, frame.valid_crc) == ("1c80", True)


@pytest.mark.parametrize(
    "written",
    [b"101", b"00101", b"000101", b"0102", b"0103", b"0100", b"0099", b"0105", b"0107", b"0111", b"0113"],
)
def test_lengths_of_other_digits_or_that_count_something_else(written):
    # rules §16 row 2: ±1–2, CRC counted in (+4), CRC and CR LF (+6), the whole frame (+10, +12), 2–6 digits
    raw = b"##" + written + GOOD[6:] + b"\r\n"
    frames, refused, framer = run(raw, GOOD + b"\r\n")
    assert [frame.segment for frame in frames] == [SEGMENT, SEGMENT]
    assert [frame.length_ok for frame in frames] == [False, True]
    assert (refused, framer.lengths_wrong) == ([], 1)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_length_in_characters(codec):
    text = f"QN=1;ST=32;CN=3020;PW=1;MN={MN};Flag=5;CP=&&PolId=w01018;i11001-Info=//清洗管路//&&"
    whole = compose.frame(text.encode(codec))
    raw = b"##%04d" % len(text) + whole[6:]
    frames, refused, _ = run(raw + GOOD)
    assert [frame.data for frame in frames] == [raw.rstrip(), GOOD]
    assert not frames[0].length_ok
    assert refused == []


def test_a_plainly_wrong_length_is_refused_and_the_sentence_says_the_right_one():
    frames, [refusal], _ = run(b"##0108" + GOOD[6:] + b"\r\n" + GOOD)
    assert [frame.data for frame in frames] == [GOOD]
    assert refusal.code == "length-wrong"
    assert "says 108, but the segment has 101 bytes" in refusal.sentence
    assert refusal.mn == MN


def test_wrong_crc_names_the_right_one():
    frames, [refusal], _ = run(GOOD[:-4] + b"1C08\r\n" + GOOD)
    assert len(frames) == 1
    assert (refusal.code, refusal.raw, refusal.mn, refusal.dialect) == ("crc-wrong", GOOD[:-4] + b"1C08", MN, "")
    assert "1C80" in refusal.sentence


@pytest.mark.parametrize("dialect", ["modbus", "modbus_swapped", "arc"])
def test_a_foreign_dialect_is_refused_by_name_until_it_is_set(dialect):
    raw = compose.frame(SEGMENT, crc=dialect)
    frames, [refusal], _ = run(raw)
    assert frames == []
    assert (refusal.code, refusal.dialect) == ("crc-dialect", dialect)
    assert f"crc={dialect}" in refusal.sentence

    [frame], refused, framer = run(raw, crc=dialect)
    assert (frame.crc_dialect, frame.valid_crc, refused) == (dialect, False, [])
    assert framer.feed(GOOD)[0].crc_dialect == "hj212"  # the standard is accepted besides
    framer.crc = "hj212"
    assert framer.feed(raw) == []

    [frame], _, _ = run(raw, crc=lambda mn: dialect if mn == MN else "hj212")
    assert frame.crc_dialect == dialect
    assert run(raw, crc=lambda mn: dialect if mn == "other" else "hj212")[0] == []


def test_a_cut_off_frame_does_not_hold_up_the_next_one():
    framer = Framer()
    assert framer.feed(b"##0999" + SEGMENT[:60]) == []
    assert [frame.data for frame in framer.feed(GOOD)] == [GOOD]  # 999 bytes never come
    [refusal] = framer.rejects()
    assert (refusal.code, refusal.raw) == ("cut-off", b"##0999" + SEGMENT[:60])


def test_a_log_that_quotes_a_frame_is_one_frame_however_it_is_cut():
    log = b"QN=1;ST=32;CN=3020;PW=1;MN=m;Flag=5;CP=&&PolId=w01018;i11001-Info=//got " + GOOD + b" twice//&&"
    raw = compose.frame(log)
    for step in (1, 7, len(raw)):
        frames, refused, _ = run(*(raw[at : at + step] for at in range(0, len(raw), step)))
        assert [frame.segment for frame in frames] == [log]
        assert refused == []


def test_the_end_of_the_link_refuses_the_rest():
    frames, [refusal], framer = run(GOOD[:50])
    assert frames == []
    assert (refusal.code, refusal.raw, framer.waiting) == ("cut-off", GOOD[:50], 0)


def test_too_long_a_frame_is_refused_at_its_header():
    framer = Framer(max_size=1024)
    framer.feed(b"##9999" + SEGMENT)
    assert framer.rejects()[0].code == "too-long"
    assert framer.waiting < 2
    assert [frame.data for frame in framer.feed(GOOD)] == [GOOD]


@pytest.mark.parametrize(
    ("probe", "like"),
    [(b"GET / HTTP/1.0\r\n\r\n", "HTTP"), (b"\x16\x03\x01\x00\xa5\x01", "TLS"), (b"AT+CSQ\r\nOK\r\n", "modem")],
)
def test_noise_is_counted_sampled_and_named(probe, like):
    frames, [refusal], framer = run(probe + GOOD)
    assert [frame.data for frame in frames] == [GOOD]
    assert (refusal.code, refusal.raw) == ("noise", probe)
    assert like in refusal.sentence
    assert framer.noise == len(probe)


def test_endless_noise_stays_bounded_and_is_reported():
    framer = Framer()
    for _ in range(3000):
        framer.feed(b"x" * 1000)
    assert framer.noise == 3_000_000
    refused = framer.rejects()
    assert len(refused) == 257
    assert refused[-1].code == "many-refusals"
    assert sum(len(one.raw) for one in refused) < 100_000
    assert framer.waiting == 0


def test_examine_says_everything_of_one_packet():
    assert examine(GOOD) == run(GOOD)[0][0]
    wrong = examine(GOOD[:-4] + b"1C08\r\n")
    assert (wrong.crc_dialect, wrong.valid_crc, wrong.length_ok) == ("mismatch", False, True)
    none = examine(GOOD[:-4])
    assert (none.crc_dialect, none.crc_text, none.length_ok) == ("none", "", True)
    bare = examine(GOOD[2:])  # the two # lost
    assert (bare.crc_dialect, bare.length_ok) == ("hj212", True)
    assert examine(b"").crc_dialect == "none"
