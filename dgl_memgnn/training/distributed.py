"""Training in several processes: who is who, and what they sum up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dgl
import torch
from torch import Tensor, distributed, nn

from dgl_memgnn.nn.norm import is_joined

__all__ = [
    "all_sum",
    "check_device",
    "gathered",
    "main_process_first",
    "num_processes",
    "process_group",
    "rank",
    "sum_gradients",
]

_Value = TypeVar("_Value")


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Joins the processes that torchrun started; nothing to do in a process that stands alone.

    Parameters
    ----------
    device : str
        ``"cpu"``, whose processes speak gloo, or ``"cuda"``: nccl, and a GPU for each process of a machine.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
        distributed.barrier()  # none takes its end of a connection away while another still uses it
    finally:
        distributed.destroy_process_group()


def check_device(device: str) -> None:
    """ValueError if torch or dgl cannot use a device; the message says what to install.

    Parameters
    ----------
    device : str
        ``"cpu"`` or ``"cuda"``.
    """
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        raise ValueError(
            f"training.device: {device} needs a GPU and a build of torch for it; torch "
            f"{torch.__version__} finds none. Leave training.device at cpu."
        )
    try:
        dgl.graph(([0], [0])).to(device)
    except dgl.DGLError as error:
        raise ValueError(
            f"training.device: {device} needs a CUDA build of dgl; dgl {dgl.__version__} is none: "
            "that of PyPI is for CPUs only. Install one as https://www.dgl.ai/pages/start.html "
            "says, or leave training.device at cpu."
        ) from error


def num_processes() -> int:
    """Number of processes that train together; 1 in a process that stands alone."""
    return distributed.get_world_size() if is_joined() else 1


def rank() -> int:
    """Number of this process among them, from 0. Process 0 alone prints and writes."""
    return distributed.get_rank() if is_joined() else 0


@contextmanager
def main_process_first() -> Iterator[None]:
    """Process 0 runs the block before the others do, so that they find what it has cached."""
    if is_joined() and rank() > 0:
        distributed.barrier()
    yield
    if is_joined() and rank() == 0:
        distributed.barrier()


def all_sum(tensor: Tensor) -> Tensor:
    """The sum of a tensor over all processes."""
    if is_joined():
        tensor = tensor.clone()
        distributed.all_reduce(tensor)
    return tensor


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum the gradients of parameters over all processes; the same parameters have one in each of them."""
    for parameter in parameters:
        if is_joined() and parameter.grad is not None:
            distributed.all_reduce(parameter.grad)


def gathered(value: _Value) -> list[_Value]:
    """The values of all processes, in the order of their rank."""
    if not is_joined():
        return [value]
    values: list[Any] = [None] * num_processes()
    distributed.all_gather_object(values, value)
    return values
