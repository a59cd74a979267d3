"""The verbs: quick help, sentences instead of tracebacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"


def jinyun(*words, **more):
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.run(
        [sys.executable, "-m", "jinyun", *words],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
        **more,
    )


def cpu_seconds_of_children():
    times = os.times()
    return times.children_user + times.children_system


def test_help_costs_little():
    jinyun("--help")  # once, so that the compiled files are there
    spent = []
    for _ in range(3):
        before = cpu_seconds_of_children()
        done = jinyun("--help")
        spent.append(cpu_seconds_of_children() - before)
    assert "serve" in done.stdout
    assert min(spent) < 0.3


def test_help_names_every_verb_that_is_there():
    from jinyun.cli.main import VERBS

    said = jinyun().stdout
    for verb in ("serve", "records", "account", "system", "version"):
        assert f"  {verb} " in said
        assert VERBS[verb][1] in said


@pytest.mark.parametrize("verb", ["serve", "records", "account", "system", "version"])
def test_each_verb_explains_itself(verb):
    done = jinyun(verb, "--help")
    assert done.returncode == 0
    assert f"Usage: jinyun {verb}" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["srve"], "did you mean 'serve'?"),
        (["records", "list", "site", "--folder", "no-such-folder"], "there is no folder no-such-folder"),
        (["account", "reset", "admin", "--folder", "."], "is no node's folder"),
        (["system", "--folder", "no-such-folder"], "there is no folder"),
        (["serve", "--clock", "yesterday"], "clock"),
    ],
)
def test_errors_are_one_sentence_and_exit_two(tmp_path, words, said):
    done = jinyun(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_option_nobody_knows_exits_two_without_a_traceback():
    done = jinyun("serve", "--colour", "blue")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_version_names_the_engines():
    said = jinyun("version").stdout
    assert said.startswith("jinyun ")
    assert "duckdb 2." in said
