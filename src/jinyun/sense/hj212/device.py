"""The device side (data logger, 数采仪), sans-I/O. `DeviceClient` runs one on a socket against any centre.

A device uploads, keeps what was not acknowledged, and answers the commands of HJ/T 212-2005 and HJ 212-2017; of 2025
those that are known. Commands it does not know are refused with QnRtn=8, never ignored.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jinyun.sense.hj212 import codes, compose
from jinyun.sense.hj212.client import DeviceClient
from jinyun.sense.hj212.content import china_seconds, china_text
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import BadPacket, Packet, parse

__all__ = ["Action", "Device", "DeviceClient", "History", "Sent"]

History = Callable[[str, int, int], Iterable[tuple[int, Sequence[str]]]]
"""(cn, begin, end) [s UTC, both included] → (DataTime, items) in order; items as `compose.item` makes them."""

Action = Callable[[str, dict[str, str], int], int]
"""(cn, fields of CP, now [µs]) → ExeRtn, for 3011–3016, 3022, 3024."""

MICROS = 1_000_000
BURST = 20  # re-sends at once
_DATA = frozenset(("2031", "2041", "2051", "2061"))
_ACTIONS = frozenset(("3011", "3012", "3013", "3014", "3015", "3022", "3024"))
_MINUTES = frozenset((1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30))  # HJ 212-2017 table of fields: MinInterval
# 2005: (read command, field of the upload), (set command, field, field kept)
_READ_2005 = {"1031": "AlarmTarget", "1041": "ReportTime"}
_SET_2005 = {"1032": "AlarmTarget", "1042": "ReportTime"}


@dataclass(slots=True)
class Sent:
    """A frame that waits for its acknowledgement."""

    qn: str
    cn: str
    segment: str
    frame: bytes
    sent_at: int  # [µs]
    tries: int = 1
    late: bool = False  # its tries in time are used up: sent again when the link is back


class Device:
    """One data logger. Feed it bytes from the centre, send what it gives back.

    ``out = device.receive(data, now)``; ``out = device.upload("2011", items, time, now)``; ``out = device.tick(now)``
    (re-sends); `now` is µs. Every returned element is one frame. Settings that commands change are plain attributes:
    `overtime` [s], `recount`, `realtime_interval` [s], `minute_interval` [min], `pw`, `clock_offset` [µs, its
    clock minus `now`], `sending`, `sending_state`, `parameters` {(PolId, InfoId): text}, `cycles` {PolId: (start, h)}.

    Parameters
    ----------
    history : callable
        What the device has kept; without one it answers ExeRtn=100 to requests for data.
    action : callable
        Does what 3011… ask for; without one everything succeeds.
    buffer : int
        Unacknowledged frames kept; the oldest is forgotten first and counted in `lost`.
    """

    def __init__(
        self, mn: str, *, st: str = "32", pw: str = "123456", edition: int = 2017, crc: str = "hj212",
        sm4_key: bytes = b"", answer: bool = True, history: History | None = None, action: Action | None = None,
        overtime: float = 10.0, recount: int = 3, buffer: int = 2000, realtime_interval: int = 30,
        minute_interval: int = 10,
    ) -> None:  # fmt: skip
        self.mn, self.st, self.pw, self.edition, self.crc, self.sm4_key = mn, st, pw, edition, crc, sm4_key
        self.answer, self.history, self.action = answer, history, action
        self.overtime, self.recount, self.buffer = overtime, recount, buffer
        self.realtime_interval, self.minute_interval = realtime_interval, minute_interval
        self.clock_offset = self.lost = self.acknowledged = self.times_set = 0
        self.sending = self.sending_state = True
        self.parameters: dict[tuple[str, str], str] = {}
        self.cycles: dict[str, tuple[str, str]] = {}
        self.serials: dict[str, str] = {}
        self.settings: dict[str, str] = {}  # 2005: AlarmTarget, ReportTime, WarnTime, <code>-LowValue…
        self.pending: OrderedDict[int, Sent] = OrderedDict()
        self._numbers = 0
        self._last_qn = 0
        self._framer = Framer(crc=crc, sm4_key=sm4_key)

    # --------------------------------------------------------------------------------------------- sending

    def clock(self, now: int) -> int:
        """What its clock shows. [µs]"""
        return now + self.clock_offset

    def qn(self, now: int, steps: int = 1) -> str:
        """A request number not used before by this device; `steps` of them are taken."""
        number = max(self.clock(now) // 1000, self._last_qn + 1)
        self._last_qn = number + steps - 1
        return compose.qn_of(number * 1000)

    def upload(
        self, cn: str, items: Sequence[str], time: int, now: int, *,
        max_segment: int = compose.MAX_SEGMENT, qn: str = "",
    ) -> list[bytes]:  # fmt: skip
        """Frames of a data upload; kept for re-sending until acknowledged when answers are wanted.

        `qn`: the request's, which 2005 repeats in the data it asked for.
        """
        plain_2005 = self.edition == 2005 and not self.answer
        number = qn or ("" if plain_2005 else self.qn(now))
        segments = compose.split(
            cn, mn=self.mn, st=self.st, items=items, time=time, qn=number, pw=self.pw, edition=self.edition,
            answer=self.answer, max_segment=max_segment,
        )  # fmt: skip
        self._last_qn += len(segments) - 1
        return [self._send(one, cn, compose.next_qn(number, k), now) for k, one in enumerate(segments)]

    def ask_clock(self, now: int, pol_id: str = "") -> list[bytes]:
        """1013: ask the centre to set the clock (2017 on)."""
        return [self._notify("1013", f"PolId={pol_id}" if pol_id else "", now)]

    def heartbeat(self, now: int) -> list[bytes]:
        """9015 (2025)."""
        return [self._notify("9015", "", now)]

    def started(self, at: int, now: int) -> list[bytes]:
        """2081: when the logger was switched on [s UTC] (2017 on)."""
        cp = f"DataTime={china_text(self.clock(now) // MICROS)};RestartTime={china_text(at)}"
        return [self._notify("2081", cp, now)]

    def _notify(self, cn: str, cp: str, now: int) -> bytes:
        qn = self.qn(now)
        flag = compose.flag_of(self.edition, answer=True)
        text = compose.segment(cn, st=self.st, pw=self.pw, mn=self.mn, qn=qn, flag=flag, cp=cp, edition=self.edition)
        return self._send(text, cn, qn, now, keep=True)

    def _send(self, segment: str, cn: str, qn: str, now: int, *, keep: bool | None = None) -> bytes:
        data = compose.frame(segment, crc=self.crc, sm4_key=self.sm4_key if cn[:1] == "2" else b"")
        if self.answer if keep is None else keep:
            while len(self.pending) >= self.buffer:
                self.pending.popitem(last=False)
                self.lost += 1
            self._numbers += 1
            self.pending[self._numbers] = Sent(qn, cn, segment, data, now)
        return data

    def tick(self, now: int) -> list[bytes]:
        """Re-sends that are due: the same frame with the same QN, `recount` times; then it waits for a new link."""
        out: list[bytes] = []
        for number, sent in list(self.pending.items()):
            if sent.late or now - sent.sent_at < self.overtime * MICROS:
                continue
            if sent.tries > self.recount:
                sent.late = True
                continue
            out.append(self._again(number, sent, now))
            if len(out) >= BURST:
                break
        return out

    def _again(self, number: int, sent: Sent, now: int) -> bytes:
        sent.tries += 1
        sent.sent_at = now
        if self.edition == 2025 and ";RF=1;" not in sent.segment:  # HJ 212-2025 marks what is sent again
            sent.segment = sent.segment.replace(";CP=&&", ";RF=1;CP=&&", 1)
            sent.frame = compose.frame(sent.segment, crc=self.crc, sm4_key=self.sm4_key if sent.cn[:1] == "2" else b"")
        self.pending[number] = sent
        return sent.frame

    def connected(self, now: int) -> list[bytes]:
        """A new connection: forget half frames, offer what was not acknowledged, newest first."""
        self._framer = Framer(crc=self.crc, sm4_key=self.sm4_key)
        out = []
        for count, (number, sent) in enumerate(reversed(list(self.pending.items()))):
            sent.late, sent.tries = False, 0
            if count < BURST:
                out.append(self._again(number, sent, now))
            else:
                sent.sent_at = now
        return out

    # --------------------------------------------------------------------------------------------- receiving

    def receive(self, data: bytes, now: int) -> list[bytes]:
        """Bytes from the centre → frames to send."""
        self._framer.crc = self.crc
        out: list[bytes] = []
        for frame in self._framer.feed(data):
            try:
                packet = parse(frame, sm4_key=self.sm4_key)
            except BadPacket:
                continue
            out += self._handle(packet, now)
        self._framer.rejects()
        return out

    def _handle(self, packet: Packet, now: int) -> list[bytes]:
        cn = packet.cn
        if cn in ("9013", "9014"):
            self._acknowledge(packet)
            return []
        if cn in ("9011", "9012"):
            return []
        if packet.mn and packet.mn != self.mn:
            return self._say(packet, "9011", codes.WRONG_MN)
        if packet.pw != self.pw and self.pw:
            return self._say(packet, "9011", codes.WRONG_PW)
        if cn in ("2012", "2022"):
            if cn == "2012":
                self.sending = False
            else:
                self.sending_state = False
            return [compose.answer(packet, "9013", crc=self.crc)]
        command = codes.COMMANDS.get(cn)
        if command is None or command.down != "R" or self.edition not in command.editions:
            return self._say(packet, "9011", codes.WRONG_CN if self.edition != 2005 else codes.REFUSED)
        out = self._say(packet, "9011", codes.READY)
        fields: dict[str, str] = {}
        for name, value in packet.pairs():
            fields.setdefault(name, value)
        data, result = self._execute(packet, fields, now)
        return out + data + self._say(packet, "9012", result)

    def _say(self, packet: Packet, cn: str, code: int) -> list[bytes]:
        """9011 or 9012, unless the request said that it wants no answer."""
        if packet.flag is not None and not packet.answer_wanted:
            return []
        return [compose.answer(packet, cn, code=code, crc=self.crc)]

    def _acknowledge(self, packet: Packet) -> None:
        """The oldest frame with the QN is done; without QN in the answer, the oldest of its CN (2005)."""
        named = packet.get("CN") if packet.version == 2005 else ""
        for number, sent in self.pending.items():
            if sent.qn == packet.qn if packet.qn else sent.cn == named:
                del self.pending[number]
                self.acknowledged += 1
                return

    def _execute(self, packet: Packet, fields: dict[str, str], now: int) -> tuple[list[bytes], int]:
        """Do a request: (frames of the result, ExeRtn)."""
        cn = packet.cn
        pol_id = fields.get("PolId") or fields.get("PolID") or ""
        if cn in _DATA:
            return self._past(packet, fields, now)
        if cn in ("2011", "2021"):
            if cn == "2011":
                self.sending = True
            else:
                self.sending_state = True
            second = self.clock(now) // MICROS
            frames, _ = self._between(packet, second, second, now)
            return frames, codes.DONE
        if cn == "1011":
            shown = f"SystemTime={china_text(self.clock(now) // MICROS)}"
            return self._result(packet, f"PolId={pol_id};{shown}" if pol_id else shown, now), codes.DONE
        if cn in ("1061", "1063"):
            shown = f"RtdInterval={self.realtime_interval}" if cn == "1061" else f"MinInterval={self.minute_interval}"
            return self._result(packet, shown, now), codes.DONE
        if cn == "3017":
            start, hours = self.cycles.get(pol_id, ("000000", "2"))
            return self._result(packet, f"PolId={pol_id};CstartTime={start};Ctime={hours}", now), codes.DONE
        if cn == "3018":
            return self._result(packet, f"PolId={pol_id};Stime={self.settings.get('Stime', '40')}", now), codes.DONE
        if cn == "3019":
            serial = self.serials.get(pol_id, self.mn)
            return self._result(packet, f"PolId={pol_id};{pol_id}-SN={serial}", now), codes.DONE
        if cn == "3020":
            return self._information(packet, pol_id, fields.get("InfoId", ""), now)
        if cn in _READ_2005:
            name = _READ_2005[cn]
            return self._result(packet, f"{name}={self.settings.get(name, '')}", now), codes.DONE
        if cn == "1021":
            return self._limits(packet, now)
        if cn in _ACTIONS:
            return [], self.action(cn, fields, now) if self.action else codes.DONE
        return [], self._set(cn, fields, pol_id, now)

    def _set(self, cn: str, fields: dict[str, str], pol_id: str, now: int) -> int:
        """Commands that change a setting: ExeRtn."""

        def number(name: str, low: int, high: int) -> int | None:
            text = fields.get(name, "")
            return int(text) if text.isdecimal() and len(text) < 6 and low <= int(text) <= high else None

        if cn == "1000":
            overtime, recount = number("OverTime", 1, 99), number("ReCount", 0, 99)
            if overtime is None or recount is None:
                return codes.CONDITION_WRONG
            self.overtime, self.recount = float(overtime), recount
        elif cn == "1012":
            seconds = china_seconds(fields.get("SystemTime", ""))
            if seconds is None:
                return codes.CONDITION_WRONG
            if not pol_id:  # an instrument's clock is not the logger's
                self.clock_offset = seconds * MICROS - now
                self._last_qn = 0  # set back, its request numbers go back with it
            self.times_set += 1
        elif cn == "1062":
            if (interval := number("RtdInterval", 1, 3600)) is None:
                return codes.CONDITION_WRONG
            self.realtime_interval = interval
        elif cn == "1064":
            if (interval := number("MinInterval", 1, 60)) is None or interval not in _MINUTES:
                return codes.CONDITION_WRONG
            self.minute_interval = interval
        elif cn == "1072":
            new = fields.get("NewPW") or fields.get("PW") or ""
            if len(new) != 6:
                return codes.CONDITION_WRONG
            self.pw = new
        elif cn == "3016":
            if not fields.get("CstartTime") or not (hours := fields.get("Ctime") or fields.get("CTime")):
                return codes.CONDITION_WRONG
            self.cycles[pol_id] = fields["CstartTime"], hours
        elif cn == "3021":
            info = fields.get("InfoId", "")
            if not info or f"{info}-Info" not in fields:
                return codes.CONDITION_WRONG
            self.parameters[pol_id, info] = fields[f"{info}-Info"]
        elif cn in _SET_2005 or cn in ("1001", "1022"):
            self.settings.update(fields)
        else:  # known to the standard, not to this device: 1002, 1014, 2013, 2062, 2071
            return codes.CONDITION_WRONG
        return codes.DONE

    def _past(self, packet: Packet, fields: dict[str, str], now: int) -> tuple[list[bytes], int]:
        begin, end = china_seconds(fields.get("BeginTime", "")), china_seconds(fields.get("EndTime", ""))
        if begin is None or end is None or begin > end:
            return [], codes.CONDITION_WRONG
        return self._between(packet, begin, end, now)

    def _between(self, packet: Packet, begin: int, end: int, now: int) -> tuple[list[bytes], int]:
        out: list[bytes] = []
        qn = packet.qn if self.edition == 2005 else ""
        for time, items in self.history(packet.cn, begin, end) if self.history else ():
            out += self.upload(packet.cn, items, time, now, qn=qn)
        return out, codes.DONE if out else codes.NO_DATA

    def _information(self, packet: Packet, pol_id: str, info: str, now: int) -> tuple[list[bytes], int]:
        text = self.parameters.get((pol_id, info))
        if text is None:
            return [], codes.NO_DATA
        second = china_text(self.clock(now) // MICROS)
        return self._result(packet, f"DataTime={second};PolId={pol_id};{info}-Info={text}", now), codes.DONE

    def _limits(self, packet: Packet, now: int) -> tuple[list[bytes], int]:
        wanted = [value for name, value in packet.pairs() if name.lower() == "polid"]
        cp = ";".join(
            ",".join(f"{k}={v}" for k, v in self.settings.items() if k in (f"{code}-LowValue", f"{code}-UpValue"))
            for code in wanted
        ).strip(";")
        return (self._result(packet, cp, now), codes.DONE) if cp else ([], codes.NO_DATA)

    def _result(self, packet: Packet, cp: str, now: int) -> list[bytes]:
        """The upload that answers a read command: 2005 puts the request's QN into CP, later ones repeat it in front."""
        if self.edition == 2005:
            text = compose.segment(
                packet.cn, st=self.st, pw=self.pw, mn=self.mn, cp=f"QN={packet.qn};{cp}", edition=2005
            )
        else:
            flag = compose.flag_of(self.edition, answer=False)
            text = compose.segment(
                packet.cn, st=self.st, pw=self.pw, mn=self.mn, qn=packet.qn, flag=flag, cp=cp, edition=self.edition
            )
        return [self._send(text, packet.cn, packet.qn, now, keep=False)]
