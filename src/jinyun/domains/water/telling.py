"""What a verdict on a section says: status, label and the two sentences that can be read out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jinyun.domains.water.items import item, subject_and
from jinyun.domains.water.limits import LABELS_EN, LABELS_ZH, STATUS_EN, Edition, rule, status_words
from jinyun.domains.water.quality import ItemClass, SectionClass
from jinyun.kernel.rounding import round_gb
from jinyun.kernel.terms import Status, Window
from jinyun.methods.wording import listed, unit_words, window_words

CANNOT_ZH, CANNOT_EN = "无法判定", "cannot be judged"


@dataclass(frozen=True, slots=True)
class Told:
    """All that the words rest on."""

    name: str
    window: Window
    table: Edition
    found: SectionClass | None  # None: none of the 21 items has a value
    target: int
    missing: tuple[str, ...]  # due, but without a valid value
    figures: Mapping[str, str]  # by item, as printed
    over: tuple[str, ...]  # items of tables 2 and 3 over their limit
    sources: int  # items of tables 2 and 3 judged
    reference_over: tuple[str, ...]  # temperature change over its limit

    @property
    def status(self) -> Status:
        """Against the target: what is worse exceeds, whatever is missing; what may be worse cannot be judged."""
        if self.found is None:
            if self.missing or not self.sources:
                return Status.CANNOT_JUDGE
            return Status.EXCEEDS if self.over else Status.ATTAINS
        if self.found.best > self.target:
            return Status.EXCEEDS
        if self.missing or self.found.level > self.target:
            return Status.CANNOT_JUDGE
        return Status.ATTAINS

    @property
    def level(self) -> int | None:
        """The class that is certain: the worst it can be when it attains, the best it can be when it does not."""
        if self.found is None or self.status is Status.CANNOT_JUDGE:
            return None
        return self.found.level if self.status is Status.ATTAINS else self.found.best

    @property
    def open(self) -> bool:
        """Whether a non-detect leaves the class open."""
        return self.found is not None and self.found.best < self.found.level

    @property
    def deciding(self) -> tuple[str, ...]:
        """Items that make the class what is certain of it; without a class, those over their limit."""
        if self.found is None:
            return self.over
        if self.status is not Status.EXCEEDS:
            return self.found.deciding if self.status is Status.ATTAINS else ()
        return tuple(code for code, one in self.found.items.items() if one.best == self.found.best)

    @property
    def label_zh(self) -> str:
        """Ⅳ类; 不劣于Ⅲ类 where a non-detect leaves it open; 达标 or 超标 without a class."""
        level = self.level
        if level is None:
            return {Status.ATTAINS: "达标", Status.EXCEEDS: "超标"}.get(self.status, CANNOT_ZH)
        kind = "" if not self.open else "不劣于" if self.status is Status.ATTAINS else "不优于"
        return f"{kind}{LABELS_ZH[level]}类"

    @property
    def label_en(self) -> str:
        """As `label_zh`, in English."""
        level = self.level
        if level is None:
            return {Status.ATTAINS: "attains", Status.EXCEEDS: "exceeds"}.get(self.status, CANNOT_EN)
        kind = "" if not self.open else "not worse than " if self.status is Status.ATTAINS else "not better than "
        return f"{kind}{LABELS_EN[level]}"


def names(codes: Iterable[str], english: bool = False) -> str:
    """Names of items as a list."""
    return listed((item(code).en if english else item(code).zh for code in codes), english=english)


def indicator_words(found: SectionClass) -> list[str]:
    """Main indicators as a bureau prints them: ``总磷(0.8)``; without a multiple for pH and dissolved oxygen."""
    places, words = int(rule("main_indicator_places")), []
    for code in found.main_indicators:
        over = found.items[code].multiple
        words.append(item(code).zh + ("" if over is None else f"({round_gb(over, places)})"))
    return words


def _told(one: ItemClass, text: str, unit: str, english: bool) -> str:
    name = item(one.factor)
    over = ""
    if one.multiple is not None:
        over = f", {one.multiple} times over Class III" if english else f"，超Ⅲ类{one.multiple}倍"
    grade = LABELS_EN[one.level] if english else f"{LABELS_ZH[one.level]}类"
    if one.non_detect:
        grade = f"not detected, up to {grade}" if english else f"未检出，最差{grade}"
    unit = unit_words(unit)
    return f"{name.en} {text}{unit} ({grade}{over})" if english else f"{name.zh}{text}{unit}（{grade}{over}）"


def section_sentences(told: Told) -> tuple[str, str]:
    """Two sentences that can be read out."""
    when_zh, when_en = window_words(told.window)
    start_zh, start_en = f"{subject_and(told.name, when_zh)}水质", f"{told.name}, {when_en}: water quality "
    found = told.found
    lost_zh, lost_en = names(told.missing), names(told.missing, english=True)
    after_zh, after_en = _apart(told)
    if found is None:
        if told.sources and not told.missing:
            return f"{start_zh}：{after_zh}。", f"{start_en.removesuffix(' ')}: {after_en}."
        more_zh, more_en = (f"；{after_zh}", f"; {after_en}") if told.sources else ("", "")
        return f"{start_zh}无法判定：无有效数据{more_zh}。", f"{start_en}cannot be judged: no valid data{more_en}."
    word = status_words()[found.level][0]
    share_zh = f"评价{found.of}项中的{found.evaluated}项"
    share_en = f"{found.evaluated} of {found.of} items evaluated"
    if found.evaluated < found.of:  # all that an automatic station can give
        share_zh, share_en = f"{share_zh}，为指示性类别", f"{share_en}, an indicative class"
    if after_zh:
        share_zh, share_en = f"{share_zh}；{after_zh}", f"{share_en}; {after_en}"
    if told.status is Status.CANNOT_JUDGE:
        class_zh, class_en = f"{LABELS_ZH[found.level]}类（{word}）", LABELS_EN[found.level]
        if told.missing:
            return (
                f"{start_zh}无法判定：{lost_zh}有效数据不足；其余{found.evaluated}项为{class_zh}。",
                f"{start_en}cannot be judged: not enough valid data for {lost_en}; "
                f"the other {found.evaluated} items give {class_en}.",
            )
        open_ = [f for f, one in found.items.items() if one.non_detect and one.level > told.target]
        return (
            f"{start_zh}无法判定：{names(open_)}未检出，但检出限高于目标{LABELS_ZH[told.target]}类限值；"
            f"类别在{LABELS_ZH[found.best]}类与{LABELS_ZH[found.level]}类之间。{share_zh}。",
            f"{start_en}cannot be judged: {names(open_, english=True)} not detected, but by a detection limit above "
            f"that of {LABELS_EN[told.target]}; the class lies between {LABELS_EN[found.best]} and "
            f"{LABELS_EN[found.level]}. {share_en}.",
        )
    attains = told.status is Status.ATTAINS
    level = told.level or found.level
    word = status_words()[level][0]
    target_zh, target_en = LABELS_ZH[told.target], LABELS_EN[told.target]
    label_en = told.label_en
    zh = f"{start_zh}为{told.label_zh}（{word}），{'达到' if attains else '未达到'}目标{target_zh}类"
    en = f"{start_en}{label_en} ({STATUS_EN[word]}), {'meets' if attains else 'does not meet'} the target {target_en}"
    if told.deciding:
        parts = [(found.items[f], told.figures[f], told.table.item(f).unit) for f in told.deciding]
        zh += f"；定类因子：{listed(_told(*part, False) for part in parts)}"
        en += f"; decided by {listed((_told(*part, True) for part in parts), english=True)}"
    if told.missing:
        zh, en = f"{zh}；{lost_zh}有效数据不足", f"{en}; not enough valid data for {lost_en}"
    return f"{zh}。{share_zh}。", f"{en}. {share_en}."


def _apart(told: Told) -> tuple[str, str]:
    """What is said of the items judged apart from the class."""
    zh, en = [], []
    if told.over:
        zh.append(f"饮用水源地项目{told.sources}项中{names(told.over)}超过限值")
        en.append(
            f"of {told.sources} items for drinking-water sources over the limit: {names(told.over, english=True)}"
        )
    elif told.sources:
        zh.append(f"饮用水源地项目{told.sources}项均符合限值")
        en.append(f"all {told.sources} items for drinking-water sources keep their limits")
    if told.reference_over:
        zh.append("水温变化超过限值")
        en.append("the change of water temperature is over its limit")
    return "；".join(zh), "; ".join(en)
