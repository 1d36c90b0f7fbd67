"""What the tests share that run commands and scripts."""

import contextlib
import io
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from unittest import mock

import pytest
import torch
from tqdm import tqdm


def heed_ctrl_c():
    """For a child: Ctrl-C ends it, although a shell ignores it for commands in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_script(path, *arguments, replaced=("", "")):
    """Run a script as ``python <path>`` would, but in this process, which has imported what it needs.

    Its text may have some of it replaced. Returns what it prints.
    """
    text = path.read_text(encoding="utf-8")
    assert replaced[0] in text
    names = {"__name__": "__main__", "__file__": str(path)}
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", [str(path), *map(str, arguments)]),
        mock.patch.object(sys, "path", [str(path.parent), *sys.path]),
        contextlib.redirect_stdout(printed),
    ):
        exec(compile(text.replace(*replaced), str(path), "exec"), names)
    return printed.getvalue()


def fork(function, *arguments):
    """A process that runs a function, and has imported what it needs; to be started."""

    def run():
        tqdm.set_lock(threading.RLock())  # the one that forks share stays shut when its holder is killed
        function(*arguments)

    return multiprocessing.get_context("fork").Process(target=run)


def run_in_two(function, *arguments):
    """Run a function in two processes, as torchrun would start them; what it returns is their exit status."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}

    def run_as(rank):
        os.environ.update(address, RANK=str(rank), LOCAL_RANK=str(rank))
        sys.exit(function(*arguments))

    workers = [fork(run_as, rank) for rank in range(2)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=240)
        assert [worker.exitcode for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()


def skip_without_torchrun():
    if sys.version_info >= (3, 12) and torch.__version__.startswith("2.2."):
        pytest.skip("torchrun of torch 2.2 crashes on Python 3.12, whatever it runs")


def torchrun(number, *arguments, check=True):
    """Run a command in several processes, which find what tests share."""
    skip_without_torchrun()
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", number, "--standalone"]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
    )
    assert done.returncode == 0 or not check, done.stderr
    return done
