"""What an alarm says, in Chinese and English, from its episode. Pure."""

from __future__ import annotations

from jinyun.act.episodes import Episode, Observation
from jinyun.act.rules import Rule
from jinyun.domains.supervision.recovery import WATER_CLASSES
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import china_time


def moment(at: int) -> str:
    """ "11-22 08:00" in China time."""
    return china_time(at).strftime("%m-%d %H:%M")


def factor_words(ids: str) -> tuple[str, str]:
    """Names of one or several factors (ids parted by blanks); one that the dictionary does not know names itself."""
    known = factors()
    found = [known.get(one) for one in ids.split()]
    zh = "、".join(f.zh if f else name for f, name in zip(found, ids.split(), strict=True))
    en = ", ".join(f.en if f else name for f, name in zip(found, ids.split(), strict=True))
    return zh, en


def figure_words(rule: Rule, seen: Observation) -> tuple[str, str]:
    """The figure of one observation against what it is compared with."""
    name_zh, name_en = factor_words(seen.factor)
    if rule.open.worse_than_target or rule.open.drop is not None:
        return _class_words(rule, seen, name_zh, name_en)
    unit = f" {seen.unit}" if seen.unit else ""
    if rule.by == "subject":
        zh = f"{seen.figure}{unit}" + (f"（{seen.label_zh}）" if seen.label_zh else "")
        en = f"{seen.figure}{unit}" + (f" ({seen.label_en})" if seen.label_en else "")
        return (f"{zh}，{name_zh}", f"{en}, {name_en}") if name_zh else (zh, en)
    zh, en = f"{name_zh}{seen.figure}{unit}", f"{name_en} {seen.figure}{unit}"
    if seen.limit is not None:
        zh, en = f"{zh}，限值{seen.limit}{unit}", f"{en}, limit {seen.limit}{unit}"
    if seen.multiple is not None:
        zh, en = f"{zh}，超标{seen.multiple}倍", f"{en}, over by {seen.multiple} times the limit"
    return zh, en


def _class_words(rule: Rule, seen: Observation, name_zh: str, name_en: str) -> tuple[str, str]:
    zh, en = seen.label_zh or f"{seen.figure}类", seen.label_en or f"Class {seen.figure}"
    reference = seen.reference
    if reference is not None and 0 < reference < len(WATER_CLASSES):
        grade = WATER_CLASSES[reference]
        if rule.open.drop is not None:
            zh, en = f"由{grade}类降为{zh}", f"fell from Class {grade} to {en}"
        else:
            zh, en = f"{zh}，目标{grade}类", f"{en}, target Class {grade}"
    if name_zh:
        zh, en = f"{zh}，定类因子{name_zh}", f"{en}, decided by {name_en}"
    return zh, en


def alarm_sentences(rule: Rule, site_name: str, episode: Episode) -> tuple[str, str]:
    """One sentence in each tongue: where, what, how bad at its peak, since when, until when."""
    peak_zh, peak_en = figure_words(rule, episode.peak)
    zh = f"{site_name}{rule.zh}：{peak_zh}；{moment(episode.started_at)}起"
    en = f"{site_name}: {rule.en.lower()}, {peak_en}; since {moment(episode.started_at)}"
    if episode.ended_at is not None:
        zh += f"，{moment(episode.ended_at)}恢复"
        en += f" until {moment(episode.ended_at)}"
    return f"{zh}。", f"{en}."
