"""A case shows the figure of the factor it is about."""

from jinyun.app.services.matters import about
from jinyun.kernel.terms import Period, Status, Verdict, VerdictItem, window_of


def verdict(status, *items):
    return Verdict(
        judge="emission.outlet_hour", subject="s1", window=window_of(Period.HOUR, 0), status=status, figure="147.5",
        unit="mg/m3", limit="300", clause="", edition="", level=1, label_zh="", label_en="", deciding=(), items=items,
        sentence_zh="", sentence_en="",
    )  # fmt: skip


def item(factor, figure, status):
    return VerdictItem(factor, figure, "mg/m3", status, limit="50")


def test_the_factor_of_the_case_is_shown_when_it_shares_the_outcome():
    attains = verdict(
        Status.ATTAINS, item("stack_so2", "147.5", Status.ATTAINS), item("stack_nox", "102", Status.ATTAINS)
    )
    assert about(attains, "stack_nox")["figure"] == "102"
    assert about(attains, "")["figure"] == "147.5"
    other = verdict(
        Status.EXCEEDS, item("stack_so2", "147.5", Status.EXCEEDS), item("stack_nox", "102", Status.ATTAINS)
    )
    assert about(other, "stack_nox")["figure"] == "147.5"  # it is another factor that keeps the case open
