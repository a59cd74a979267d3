"""What a node gives: only what its manifest lists; exports; names; digests; sentences when something is missing."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import pyarrow as pa
import pytest
from cluster_nodes import make_node
from typer.testing import CliRunner

from jinyun.app import cluster
from jinyun.cli.cluster import app as verbs
from jinyun.kernel.errors import BadInput, NotFound, Unavailable
from jinyun.store.cluster import engines
from jinyun.store.cluster.digest import digest, table_digest
from jinyun.store.cluster.engines import sort_files
from jinyun.store.cluster.finish import divided
from jinyun.store.cluster.nodes import LIST, NodeFile
from jinyun.store.cluster.run import Run


def ask(folders, duck, name="current", **span):
    return Run(cluster.open_nodes(folders), cluster.rule_book(), **span).ask(duck, name)


def test_an_export_is_the_node(node_folders, tmp_path, duck, cluster_run):
    for folder in node_folders:
        told = cluster.export(folder, tmp_path)
        assert told["rows"] > 6000
    [links] = {one.stat().st_nlink for one in (tmp_path / "north" / "sealed").rglob("*.parquet")}
    assert links == 2  # not copied: the same file system
    again = cluster.export(node_folders[0], tmp_path)  # over the one before
    assert again["files"] == len(cluster_run.nodes[0].files)
    for name in ("hours", "outlet_hours", "coverage"):
        assert ask([tmp_path], duck, name).digest == cluster_run.ask(duck, name).digest


def test_files_that_the_manifest_does_not_know_are_not_read(node_folders, tmp_path, duck, cluster_run):
    copy = tmp_path / "north"
    shutil.copytree(node_folders[0], copy)
    stray = next((copy / "sealed").rglob("rows-*.parquet"))
    shutil.copy(stray, stray.with_name("rows-99999999.parquet"))
    assert ask([copy], duck, "coverage").digest == ask([node_folders[0]], duck, "coverage").digest


@pytest.mark.postgres
def test_a_node_with_its_records_on_postgresql(tmp_path, postgres_url, duck):
    make_node(tmp_path / "a" / "north", "north", days=1, database_url=postgres_url)
    make_node(tmp_path / "b" / "north", "north", days=1)
    assert not (tmp_path / "a" / "north" / "records.sqlite").exists()
    for name in ("hours", "outlet_hours", "coverage"):
        assert ask([tmp_path / "a" / "north"], duck, name).digest == ask([tmp_path / "b" / "north"], duck, name).digest


def test_a_span_of_days(node_folders, duck):
    start, end = cluster.span("2026-03-02", "2026-03-02")
    assert end - start == 86_400
    found = ask(node_folders, duck, start=start, end=end)
    assert set((found.raw["time"] - start) // 86_400) == {0}
    for first, last in (("2026-03-02", "2026-03-01"), ("March", "")):
        with pytest.raises(BadInput):
            cluster.span(first, last)


def test_names_and_folders_that_do_not_fit(node_folders, tmp_path, duck):
    with pytest.raises(BadInput, match="two nodes are called north"):
        ask([node_folders[0], node_folders[0]], duck)
    with pytest.raises(BadInput, match="no node's folder"):
        cluster.open_nodes([tmp_path])
    with pytest.raises(NotFound, match="did you mean 'hours'"):
        ask(node_folders, duck, "hour")
    cluster.export(node_folders[0], tmp_path)
    listed = json.loads((tmp_path / "north" / LIST).read_text())
    (tmp_path / "north" / LIST).write_text(json.dumps({**listed, "format": "other"}))
    with pytest.raises(BadInput, match="format 'other'"):
        cluster.open_nodes([tmp_path / "north"])


def test_a_missing_file_is_an_error_not_a_smaller_sum(node_folders, tmp_path, duck):
    cluster.export(node_folders[0], tmp_path)
    next((tmp_path / "north" / "sealed").rglob("rows-*.parquet")).unlink()
    with pytest.raises(Unavailable, match="rows-"):
        ask([tmp_path], duck)


def file(name, low, high, rows=10, keys=10):
    return NodeFile(name, rows, low, high, 1, "", keys)


def test_which_files_must_be_compared():
    files = [
        file("a", 0, 99), file("b", 100, 199), file("b-late", 150, 160), file("b-past", 100, 150, keys=0),
        file("old", 200, 299, keys=None), file("c", 300, 399), file("d", 399, 500), file("far", 900, 999),
    ]  # fmt: skip
    found = sort_files(files, 0, 900)
    assert found.alone == ("a",)
    assert found.mixed == ("b", "b-late", "old", "c", "d")
    assert found.past == ("b-past",)


def test_a_digest_knows_no_order_of_rows():
    columns = {"a": np.array([2, 1, 1]), "b": np.array([0, 7, 5])}
    turned = {name: column[::-1].astype(np.int32) for name, column in columns.items()}
    assert digest(columns) == digest(turned)
    assert digest(columns) != digest({**columns, "b": np.array([0, 7, 6])})
    assert digest(columns) != digest({"a": columns["a"], "c": columns["b"]})
    table = pa.table({"x": [1, 2], "y": ["a", None]})
    assert table_digest(table) == table_digest(table.take([1, 0]))


def test_division_is_exact_and_half_to_even():
    total = np.array([5, 15, 25, -5, -15, 7, 10**18 - 1])
    assert divided(total, np.array([10, 10, 10, 10, 10, 0, 1])).tolist() == [
        0, 2, 2, 0, -2, np.iinfo(np.int64).min, 10**18 - 1,
    ]  # fmt: skip
    assert divided(np.array([2_250_000, 2_350_000]), np.array([1, 1]), 1).tolist() == [2_200_000, 2_400_000]


def test_what_to_install(monkeypatch, node_folders):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"pip install 'jinyun\[cluster\]'"):
        engines.DuckEngine()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Unavailable, match="openjdk-17-jre-headless"):
        engines.java()


def test_a_master_elsewhere_needs_our_address(monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setattr(engines, "java", lambda: "java")
    with pytest.raises(BadInput, match="--driver-host"):
        engines.SparkEngine("spark://10.1.2.3:7077")
    with pytest.raises(BadInput, match="spark://host:7077"):
        engines.SparkEngine("local[2]")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="no Spark master answers"):
            engines.SparkEngine(f"spark://127.0.0.1:{closed.getsockname()[1]}")


def test_verbs(node_folders, tmp_path):
    pytest.importorskip("ibis")
    runner = CliRunner()
    listed = runner.invoke(verbs, ["list", "--json"])
    names = [one["name"] for one in json.loads(listed.output)]
    assert names == [one["name"] for one in cluster.expressions()]
    nodes = [word for folder in node_folders for word in ("--nodes", str(folder))]
    out = tmp_path / "days.csv"
    done = runner.invoke(verbs, ["run", "section_days", *nodes, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["figures"] == len(out.read_text("utf-8-sig").splitlines()) - 1
    assert set(told["as_of_sealed"]) == {"north", "south"}
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    wrong = runner.invoke(verbs, ["run", "section_days", *nodes, "--out", "x.xls"])
    assert isinstance(wrong.exception, BadInput)
