"""A Spark standalone cluster on loopback: a master and some workers as processes of this machine.

For tests, benchmarks and `jinyun cluster compare --workers`; it needs no network and leaves nothing running.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from jinyun.kernel.errors import Unavailable
from jinyun.store.cluster.engines import java, need

START_S = 180.0
_WATCH = """import os, signal, sys
groups = [int(line) for line in sys.stdin]
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
"""Run as a process of its own: when the pipe ends, because we stopped or were killed, it ends what is left."""
_MASTER = re.compile(r"Starting Spark master at (spark://\S+)")
_JOINED = "Successfully registered with master"


class LocalCluster:
    """A master and `workers` workers, each with `cores` and `memory_mb`. Use it in a ``with`` block.

    Raises
    ------
    Unavailable
        When pyspark or Java is missing, or a part does not come up.
    """

    def __init__(self, workers: int = 2, *, cores: int = 1, memory_mb: int = 1024) -> None:
        need("pyspark")
        java()
        self._workers, self._cores, self._memory = workers, cores, memory_mb
        self._processes: list[subprocess.Popen[bytes]] = []
        self._watch: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> LocalCluster:
        self._folder = Path(tempfile.mkdtemp(prefix="jinyun-spark-"))
        self._watch = subprocess.Popen([sys.executable, "-c", _WATCH], stdin=subprocess.PIPE, text=True,
                                       start_new_session=True)  # fmt: skip
        try:
            master = self._start("master", ["org.apache.spark.deploy.master.Master", "-h", "127.0.0.1", "-p", "0",
                                            "--webui-port", "0"])  # fmt: skip
            self.url = self._wait(master, "master", _MASTER)
            names = [f"worker-{n}" for n in range(self._workers)]
            workers = [
                self._start(name, [
                    "org.apache.spark.deploy.worker.Worker", "-h", "127.0.0.1", "-c", str(self._cores), "-m",
                    f"{self._memory}M", "--webui-port", "0", "-d", str(self._folder / name), self.url,
                ])
                for name in names
            ]  # fmt: skip
            for name, worker in zip(names, workers, strict=True):
                self._wait(worker, name, re.compile(f"({_JOINED})"))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, name: str, words: list[str]) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        env = {
            **os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "SPARK_LOCAL_DIRS": str(self._folder / "scratch"), "SPARK_NO_DAEMONIZE": "1",
        }  # fmt: skip
        with (self._folder / f"{name}.log").open("wb") as out:
            process = subprocess.Popen(
                [str(home / "bin" / "spark-class"), *words], stdout=out, stderr=subprocess.STDOUT, env=env,
                start_new_session=True, cwd=self._folder,
            )  # fmt: skip
        self._processes.append(process)
        assert self._watch is not None
        assert self._watch.stdin is not None
        self._watch.stdin.write(f"{process.pid}\n")
        self._watch.stdin.flush()
        return process

    def _wait(self, process: subprocess.Popen[bytes], name: str, pattern: re.Pattern[str]) -> str:
        log = self._folder / f"{name}.log"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if found := pattern.search(text):
                return found[1]
            if process.poll() is not None:
                break
            time.sleep(0.2)
        last = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
        raise Unavailable(f"Spark's {name} did not start: {last}")

    def pids(self) -> list[int]:
        """Processes of the cluster; executors are their children."""
        return [one.pid for one in self._processes]

    def executors(self) -> list[psutil.Process]:
        """Executors that run now."""
        found = []
        for worker in self._processes[1:]:
            for one in _children(worker.pid):
                with suppress(psutil.Error):  # zombies of spark-class' shell have no command line
                    if any("CoarseGrainedExecutorBackend" in word for word in one.cmdline()):
                        found.append(one)
        return found

    def kill_worker(self, number: int) -> list[int]:
        """``kill -9`` of a worker with its executors, as when a machine goes; the processes killed."""
        worker = self._processes[1 + number]
        family = [worker.pid, *(one.pid for one in self.executors() if one in _children(worker.pid))]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        worker.wait(10)
        return family

    def stop(self) -> None:
        """End every process of the cluster, executors too."""
        families: list[psutil.Process] = []
        for process in self._processes:
            families += _children(process.pid)
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        _, alive = psutil.wait_procs(families, timeout=5)
        for one in alive:
            with suppress(psutil.Error):
                one.kill()
        self._processes.clear()
        if self._watch is not None:
            self._watch.communicate()  # its pipe ends, and so does it
            self._watch = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _children(pid: int) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return found
    except psutil.Error:
        return []
