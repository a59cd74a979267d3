"""Sealed files: the last version of each key in one, what it superseded in another, wherever batches are cut."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from jinyun.store import sealed_file
from jinyun.store.hot import rows_table


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100])
def test_versions_are_parted_whatever_the_batches(tmp_path, monkeypatch, cut):
    monkeypatch.setattr(sealed_file, "ROW_GROUP", 4)
    dice = np.random.default_rng(cut)
    keys = sorted((int(s), int(t), n) for n, (s, t) in enumerate(dice.integers(0, 4, (60, 2))))
    series, time, seq = (np.array(column) for column in zip(*keys, strict=True))
    table = rows_table(series.astype(np.int32), time, seq * 10, np.zeros(60, np.uint8), seq)
    main, past = tmp_path / "rows", tmp_path / "past"
    written = sealed_file.write_rows(table.to_batches(cut), main, past)
    newest = {(s, t): n for s, t, n in keys}
    kept = [row for row in keys if newest[row[0], row[1]] == row[2]]
    old = [row for row in keys if newest[row[0], row[1]] != row[2]]
    for path, expected, one in ((main, kept, written[0]), (past, old, written[1])):
        found = pq.read_table(path, partitioning=None)
        assert list(zip(*(found.column(c).to_pylist() for c in ("series", "time", "seq")), strict=True)) == expected
        assert (one.path, one.rows) == (path, len(expected))
        assert (one.low, one.high) == (min(t for _, t, _ in expected), max(t for _, t, _ in expected))
    assert [one.keys for one in written] == [len(kept), 0]


def test_without_superseded_versions_there_is_one_file(tmp_path):
    table = rows_table(np.arange(5, dtype=np.int32), np.arange(5), np.arange(5), np.zeros(5, np.uint8), np.arange(5))
    (one,) = sealed_file.write_rows(table.to_batches(), tmp_path / "rows", tmp_path / "past")
    assert (one.rows, one.keys) == (5, 5)
    assert not (tmp_path / "past").exists()
    assert sealed_file.write_rows([], tmp_path / "none", tmp_path / "past") == []
