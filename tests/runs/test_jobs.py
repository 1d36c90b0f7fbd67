"""Processes that die, or whose parent does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from dgl_memgnn.runs.jobs import finished_jobs

pytestmark = pytest.mark.slow

SLEEPING = """
import time
from dgl_memgnn.runs.jobs import process_pool
if __name__ == "__main__":
    with process_pool(2) as pool:
        pool.submit(time.sleep, 0).result()
        print("begun", flush=True)
        pool.submit(time.sleep, 1000).result()
"""


def test_a_process_that_dies_is_an_error_which_says_what_to_do():
    with pytest.raises(ChildProcessError, match="One of 2 processes died.*--workers.*a second call continues"):
        list(finished_jobs(os._exit, [(1,)], workers=2))


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_diverges_lets_the_others_finish(workers):
    jobs = finished_jobs(exec, [("raise FloatingPointError('seed0: nan')",), ("pass",), ("pass",)], workers)
    assert next(jobs) is next(jobs) is None
    with pytest.raises(FloatingPointError, match="^seed0: nan\nThe other 2 have finished, and are stored.$"):
        next(jobs)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_they_end_with_their_parent(end, tmp_path):
    (tmp_path / "sleeping.py").write_text(SLEEPING)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "sleeping.py")], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout.readline() == "begun\n"
    parent.send_signal(end)
    parent.wait()
    try:
        for _ in range(300):
            os.killpg(parent.pid, 0)
            time.sleep(0.1)
        os.killpg(parent.pid, signal.SIGKILL)
        pytest.fail("children outlive their parent")
    except ProcessLookupError:
        parent.stdout.close()
