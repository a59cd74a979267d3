"""The demo runs without a network: in a namespace of its own with loopback alone, a page and live data all the same."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[1] / "support"
ISOLATE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]

STORY = """
    import sys, time
    sys.path.insert(0, {support!r})
    from pathlib import Path
    from nodes import Node
    node = Node(Path({folder!r}), "--demo")
    began = time.monotonic()
    with node:
        up = time.monotonic()
        node.log_in()
        while time.monotonic() - up < 60:
            overview = node.ask("GET", "/api/overview")
            if sum(1 for s in overview["sites"] if s["at"]) >= 20 and overview["counts"]["online"] > 0:
                break
            time.sleep(0.25)
        print("SITES", len(overview["sites"]), "LIVE", sum(1 for s in overview["sites"] if s["at"]),
              "SECONDS", round(time.monotonic() - up, 1), "PASSWORD", bool(node.password))
    print("STOPPED", node.process.returncode)
    again = Node(Path({folder!r}), "--demo")
    with again:
        again.log_in(password=node.password)
        print("KEPT", sum(1 for s in again.ask("GET", "/api/overview")["sites"] if s["at"]))
"""


def isolated() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*ISOLATE, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not isolated(), reason="network namespaces cannot be made here (unshare or ip missing or refused)")
def test_demo_lives_without_a_route(tmp_path):
    story = textwrap.dedent(STORY.format(support=str(SUPPORT), folder=str(tmp_path / "var")))
    done = subprocess.run(
        [*ISOLATE, "sh", "-c", 'ip link set lo up && exec "$0" -c "$1"', sys.executable, story],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    words = done.stdout.split()
    assert "KEPT" in words, done.stdout + done.stderr
    assert int(words[words.index("LIVE") + 1]) >= 20
    assert float(words[words.index("SECONDS") + 1]) <= 30
    assert words[words.index("PASSWORD") + 1] == "True"
    assert words[words.index("STOPPED") + 1] == "0"
    assert int(words[words.index("KEPT") + 1]) >= 20  # a second start keeps the data and the log-in
