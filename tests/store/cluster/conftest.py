"""Two nodes with real stores, made once, and their run on DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_nodes import make_node


@pytest.fixture(scope="session")
def node_folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("nodes")
    make_node(folder / "north", "north")
    make_node(folder / "south", "south", seed=11, compact=True)
    return [folder / "north", folder / "south"]


@pytest.fixture(scope="session")
def cluster_run(node_folders):
    pytest.importorskip("ibis")
    from jinyun.app import cluster
    from jinyun.store.cluster.run import Run

    return Run(cluster.open_nodes(node_folders), cluster.rule_book())


@pytest.fixture(scope="session")
def duck():
    pytest.importorskip("ibis")
    from jinyun.store.cluster.engines import DuckEngine

    engine = DuckEngine(memory_mb=512)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def finished(cluster_run, duck):
    """Finished rows of an expression, asked once."""
    known: dict[str, list[dict]] = {}

    def ask(name: str) -> list[dict]:
        if name not in known:
            known[name] = cluster_run.finish(cluster_run.ask(duck, name)).to_pylist()
        return known[name]

    return ask
