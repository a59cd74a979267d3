"""A Spark standalone cluster on loopback: a master and two workers. Every shipped expression gives the digest that
DuckDB gives, also when a worker and its executor are killed in the middle of a query."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace

import psutil
import pytest

pytest.importorskip("ibis", reason="the extra `cluster` is not installed: pip install 'jinyun[cluster]'")
pytest.importorskip("pyspark", reason="the extra `cluster` is not installed: pip install 'jinyun[cluster]'")
if shutil.which("java") is None:
    pytest.skip("Java is not installed (apt-get install openjdk-17-jre-headless)", allow_module_level=True)

from cluster_nodes import make_node

from jinyun.app import cluster
from jinyun.store.cluster.engines import DuckEngine, SparkEngine
from jinyun.store.cluster.local import LocalCluster
from jinyun.store.cluster.run import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SETTINGS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.executor.memory": "700m",
    "spark.executor.extraJavaOptions": QUICK,
    "spark.driver.extraJavaOptions": QUICK,
}
COPIES = 8
"""How often the kill's query reads each node, as nodes of other names: long enough to be killed in the middle."""


def test_spark_gives_what_duckdb_gives_also_with_a_killed_worker(tmp_path):
    make_node(tmp_path / "north", "north", days=2)
    make_node(tmp_path / "south", "south", days=2, seed=11, compact=True)
    nodes = cluster.open_nodes([tmp_path / "north", tmp_path / "south"])
    run = Run(nodes, cluster.rule_book())
    many = Run([replace(one, name=f"{one.name}-{n}") for n in range(COPIES) for one in nodes], cluster.rule_book())
    duck = DuckEngine(memory_mb=512)
    with LocalCluster(2, memory_mb=1024) as local:
        processes = [psutil.Process(pid) for pid in local.pids()]
        spark = SparkEngine(local.url, pids=local.pids, settings=SETTINGS)
        try:
            names = [one["name"] for one in cluster.expressions()]
            assert len(names) >= 11
            for name in names:
                here, there = run.ask(duck, name), run.ask(spark, name)
                assert here.rows == there.rows > 0, name
                assert here.digest == there.digest, name
                assert run.finish(here).equals(run.finish(there)), name
            _kill_in_the_middle(many, local, spark, expected=many.ask(duck, "hours").digest)
        finally:
            spark.close()
            duck.close()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


def _kill_in_the_middle(run: Run, local: LocalCluster, spark: SparkEngine, *, expected: str) -> None:
    assert len(local.executors()) == 2
    answers: list[object] = []

    def ask() -> None:
        try:
            answers.append(run.ask(spark, "hours"))
        except Exception as wrong:
            answers.append(wrong)

    thread = threading.Thread(target=ask)
    thread.start()
    tracker = spark.session.sparkContext.statusTracker()
    deadline = time.monotonic() + 300
    while not _half_way(tracker):
        assert thread.is_alive(), "the query was over before a worker could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed = local.kill_worker(0)
    assert thread.is_alive()
    assert len(killed) >= 2  # the worker and its executor
    assert len(local.executors()) == 1
    thread.join(400)
    [outcome] = answers
    assert not isinstance(outcome, Exception), outcome
    assert outcome.digest == expected


def _half_way(tracker) -> bool:
    """True when some tasks of a stage are done and others run."""
    for stage in tracker.getActiveStageIds():
        info = tracker.getStageInfo(stage)
        if info is not None and info.numCompletedTasks >= 1 and info.numActiveTasks >= 1 and info.numTasks >= 4:
            return True
    return False
