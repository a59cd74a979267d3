"""The truth as text of HJ 212: what stands between ``CP=&&`` and ``&&``."""

from __future__ import annotations

from functools import cache

from jinyun.kernel.terms import Period
from jinyun.sense.hj212 import compose
from jinyun.sim.channels import AMOUNT_DECIMALS, FLOWS, VOLUME_DECIMALS, Channel
from jinyun.sim.district import Logger
from jinyun.sim.truth import Truth

CN_OF = {Period.REALTIME: "2011", Period.MINUTE: "2051", Period.HOUR: "2061", Period.DAY: "2031"}
PERIOD_OF = {cn: period for period, cn in CN_OF.items()}


def text_of(number: int, decimals: int) -> str:
    """A whole number of 10^-decimals as plain decimal text: (-147, 3) is ``-0.147``."""
    if not decimals:
        return str(number)
    sign, digits = ("-", -number) if number < 0 else ("", number)
    whole, rest = divmod(digits, 10**decimals)
    return f"{sign}{whole}.{rest:0{decimals}d}"


@cache
def dress(channel: Channel, edition: int) -> tuple[str, int]:
    """(code, decimals as sent) of a channel in an edition; ("", 0) when the edition has no code for it.

    A unit that was larger by 10^k in 2005 (MPa for kPa) is sent with k more decimals: the same figure, exactly.
    """
    factor = channel.factor
    if edition != 2005:
        return factor.code, channel.decimals
    if not factor.code_2005 or factor.scale_2005 is None:
        return "", 0
    return factor.code_2005, channel.decimals + len(str(int(factor.scale_2005))) - 1


def realtime(truth: Truth, logger: Logger, at: int) -> list[str]:
    """Items of 2011 for the sample at `at`."""
    values, converted = truth.sample(logger.site, at)
    flagged = bool(truth.plan.flagged.get(logger.site))
    out, z = [], 0
    for channel, value in zip(truth.channels(logger.site), values, strict=True):
        code, decimals = dress(channel, logger.edition)
        stats = {"Rtd": text_of(value, decimals)}
        if channel.converted:
            stats["ZsRtd"] = text_of(converted[z], decimals)
            z += 1
        if code:
            flag = truth.flag(logger.site, channel.factor.id, at, 0) if flagged else "N"
            out.append(compose.item(code, flag, **stats))
    return out


def means(truth: Truth, logger: Logger, period: Period, start: int, minute: int) -> list[str]:
    """Items of 2051, 2061 or 2031 for the period from `start` on (true time)."""
    summary = truth.summary(logger.site, period, start, minute=minute)
    seconds = {Period.MINUTE: minute * 60, Period.HOUR: 3600, Period.DAY: 86400}[period]
    flagged = bool(truth.plan.flagged.get(logger.site))
    out = []
    columns = summary.numbers.T.tolist()
    for channel, (avg, low, high, amount, zs_avg, zs_low, zs_high) in zip(
        truth.channels(logger.site), columns, strict=True
    ):
        code, decimals = dress(channel, logger.edition)
        if not code:
            continue
        stats = {}
        if channel.amount:
            stats["Cou"] = text_of(amount, VOLUME_DECIMALS if channel.factor.id in FLOWS else AMOUNT_DECIMALS)
        stats |= {"Min": text_of(low, decimals), "Avg": text_of(avg, decimals), "Max": text_of(high, decimals)}
        if channel.converted:
            stats["ZsMin"], stats["ZsAvg"] = text_of(zs_low, decimals), text_of(zs_avg, decimals)
            stats["ZsMax"] = text_of(zs_high, decimals)
        flag = truth.flag(logger.site, channel.factor.id, start, seconds) if flagged else "N"
        out.append(compose.item(code, flag, **stats))
    return out
