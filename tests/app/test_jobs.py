"""A job outlives a bad run, can be woken, and finishes its run before the house closes."""

import threading
import time

from jinyun.app.jobs import ThreadJobs


def test_failure_is_shown_and_the_job_goes_on():
    jobs, ran = ThreadJobs(), threading.Event()
    calls = []

    def work():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("first run fails")
        ran.set()

    jobs.every(0.01, "one", work)
    jobs.start()
    assert ran.wait(5)
    jobs.stop()
    state = jobs.state()[0]
    assert state["failures"] == 1
    assert state["runs"] >= 2
    assert state["last_error"] == ""


def test_wake_and_stop():
    jobs, began, done = ThreadJobs(), threading.Event(), []

    def work():
        began.set()
        time.sleep(0.1)
        done.append(1)

    jobs.every(3600, "slow", work)
    jobs.start()
    assert began.wait(5)
    jobs.stop()  # waits for the run under way
    assert done == [1]
