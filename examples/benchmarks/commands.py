"""Commands in processes of their own: their time, and the memory of the largest of their processes."""

import os
import subprocess
import sys
import time
from typing import NamedTuple


class Usage(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds of processor time, of all processes
    peak_mb: float  # the largest resident size of one process


def run(command):
    """Run a command to its end; SystemExit with what it said if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(process.args)} failed:\n{said}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(wall, used.ru_utime + used.ru_stime, unit * used.ru_maxrss / 1e6)


def ours(*arguments):
    return [sys.executable, "-m", "dgl_memgnn", *arguments]
