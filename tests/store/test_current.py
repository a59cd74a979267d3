"""Which sealed file is read how: alone, as a base that later rows may supersede, or compared."""

from jinyun.store.current import current_sql, plan
from jinyun.store.manifest import SealedFile


def file(number, low, high, *, rows=100, keys=100):
    """A file of rows with event times low to high, both inclusive."""
    path = f"f{number}.parquet"
    return SealedFile(number, "rows", path, "2026-01-01", number, number, rows, low, high, 1, "", 0, keys)


def test_files_apart_are_read_alone_and_past_ones_never():
    one, two, past = file(1, 0, 59), file(2, 60, 119), file(3, 0, 119, rows=5, keys=0)
    made = plan([two, past, one], [], 0, 1000)
    assert made.alone == {one: [(0, 60)], two: [(60, 120)]}
    assert (made.base, made.late, made.hot) == ({}, {}, [])
    assert plan([one, two], [], 30, 70).alone == {one: [(30, 60)], two: [(60, 70)]}


def test_only_the_stretch_where_files_meet_is_compared():
    day, late = file(1, 0, 999, rows=1000, keys=1000), file(2, 300, 309, rows=3, keys=3)
    made = plan([day, late], [], 0, 1000)
    assert made.alone == {day: [(0, 300), (310, 1000)]}
    assert made.base == {day: [(300, 310)]}
    assert made.late == {late: [(300, 310)]}


def test_hot_rows_and_files_that_nobody_counted_are_compared():
    plain, old = file(1, 0, 999), file(2, 1000, 1999, keys=None)
    made = plan([plain, old], [(900, 1000)], 0, 5000)
    assert made.alone == {plain: [(0, 900)]}
    assert made.base == {plain: [(900, 1000)]}
    assert made.late == {old: [(1000, 2000)]}
    assert made.hot == [(900, 1000)]
    mixed = file(3, 0, 999, rows=200, keys=150)
    assert plan([mixed], [], 0, 1000).late == {mixed: [(0, 1000)]}


def test_the_question_says_what_is_compared_and_nothing_when_nothing_is_there():
    one, late = file(1, 0, 999), file(2, 500, 509, rows=1, keys=1)
    paths = {1: "it's.parquet", 2: "b.parquet"}
    assert "JOIN" not in current_sql(plan([one], [], 0, 1000), paths, 7)
    text = current_sql(plan([one, late], [], 0, 1000), paths, 7)
    assert "ANTI JOIN late" in text
    assert "'it''s.parquet'" in text
    assert "FROM rows" not in text  # no hot rows in these times
    assert current_sql(plan([], [], 0, 1000), paths, 7).endswith("WHERE false")
    assert "seq > 7" in current_sql(plan([one], [(0, 60)], 0, 1000), paths, 7)
