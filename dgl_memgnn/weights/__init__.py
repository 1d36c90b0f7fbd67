"""Weights that networks start from: those that come with the package, and those of runs."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from dgl_memgnn.checkpoint import load_checkpoint, save_checkpoint
from dgl_memgnn.run_files import CHECKPOINT, warn_of_unfinished
from dgl_memgnn.run_files import WEIGHTS as FILE

__all__ = [
    "FIXED",
    "FILE",
    "NONE",
    "PARTS",
    "Weights",
    "freeze",
    "load_weights",
    "save_weights",
    "shipped_weights",
    "take_over",
    "weights_path",
]

NONE = "none"  # in place of a name: weights are drawn at random
PARTS = ("query", "readout")  # modules of MemGNN that other tasks can start from
_QUERY_SIZES = ("hidden_feats", "num_layers", "edge_message", "edge_features", "update")
_READOUT_SIZES = ("num_keys", "num_heads", "tau", "key_means", "log_scores")
FIXED = ("featurizer", *_QUERY_SIZES, *_READOUT_SIZES)  # options that weights may fix
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Weights:
    """Trained parts of a MemGNN, read from a file

    Parameters
    ----------
    name : str
        What they were asked for by: a name, or a path.
    sha256 : str
        Digest of the file.
    model : dict
        The options of the network, as in the section ``model`` of a configuration.
    featurizer : str
        What the molecules' features are made by.
    widths : (int, int)
        Widths of node and edge features; the latter is 0 without them.
    state : dict of torch.Tensor
        The state of the parts that were trained.
    """

    name: str
    sha256: str
    model: Mapping[str, Any]
    featurizer: str
    widths: tuple[int, int]
    state: Mapping[str, Tensor]

    def parts(self, readout: str) -> list[str]:
        """Which of :data:`PARTS` a network with a readout of some name takes over.

        The memory layers of weights are of no use to a network that sums; its query network is.
        """
        trained = {name.partition(".")[0] for name in self.state}
        return [
            part for part in PARTS if part in trained and (part == "query" or readout == self.model["readout"])
        ]

    def settings(self, readout: str) -> dict[str, Any]:
        """The options that a network with a readout must share with these weights."""
        sizes = [*_QUERY_SIZES, *(_READOUT_SIZES if "readout" in self.parts(readout) else ())]
        return {"featurizer": self.featurizer, **{name: self.model[name] for name in sizes}}


def shipped_weights() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.pt"))


def load_weights(name: str | PathLike[str]) -> Weights:
    """Read weights. No code in the file is run.

    Parameters
    ----------
    name : str or os.PathLike
        A name of :func:`shipped_weights`, the folder of a run of ``dgl-memgnn pretrain`` or, of MemGNN on
        molecules, ``dgl-memgnn train``, or a file of one.

    Returns
    -------
    Weights

    Raises
    ------
    FileNotFoundError
        If there is neither such a name nor such a run.
    ValueError
        If the file is damaged, or its network has no weights that another can start from.

    Examples
    --------
    >>> load_weights("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There are no weights nowhere: ...
    """
    path = weights_path(name)
    warn_of_unfinished(path.parent)
    content = load_checkpoint(path)
    try:
        if "weights" in content:
            model, featurizer, state = content["network"], content["featurizer"], content["weights"]
            widths = tuple(content["widths"])
        else:
            model, featurizer = content["config"]["model"], content["config"]["data"]["featurizer"]
            state, widths = content["model"], _widths(content["widths"], model)
            if not (content["for_molecules"] and model["network"] == "MemGNN" and not model["topology"]):
                raise ValueError(
                    f"{path} is of another network than MemGNN on molecules: nothing can start from it."
                )
        model = {"key_means": False, **model}  # files of version 0.1 do not say
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold whole weights ({error}). Train again, or restore the file."
        ) from error
    kept = {key: value for key, value in state.items() if key.partition(".")[0] in PARTS}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Weights(str(name), digest, model, featurizer, widths, kept)


def save_weights(
    path: str | PathLike[str],
    network: nn.Module,
    parts: Sequence[str],
    model: Mapping[str, Any],
    featurizer: str,
    widths: tuple[int, int],
    **about: Any,
) -> None:
    """Write parts of a network to a file that :func:`load_weights` reads.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an older one is replaced.
    network : torch.nn.Module
        A network with modules of these names, as :class:`~dgl_memgnn.MemGNN` has them.
    parts : sequence of str
        Which of :data:`PARTS`.
    model, featurizer, widths
        See :class:`Weights`.
    **about
        Plain values that tell where they come from.
    """
    state = {name: value.cpu() for name, value in network.state_dict().items() if name.partition(".")[0] in parts}
    save_checkpoint(
        path, weights=state, network=dict(model), featurizer=featurizer, widths=list(widths), about=about
    )


def take_over(network: Any, weights: Weights, readout: str = "memory") -> list[str]:
    """Copy weights into a new network.

    Parameters
    ----------
    network : MemGNN
        Of the sizes of the weights. Its head stays as it is.
    weights : Weights
    readout : str, optional
        Name of its readout, see :data:`dgl_memgnn.models.READOUTS`. Default: ``"memory"``.

    Returns
    -------
    list of str
        Names of the modules that were taken over.

    Raises
    ------
    ValueError
        If the network is of other sizes.
    """
    parts = weights.parts(readout)
    for part in parts:
        state = {
            name.partition(".")[2]: value for name, value in weights.state.items() if name.startswith(part + ".")
        }
        try:
            getattr(network, part).load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"The weights {weights.name} do not fit the network's {part}: {error}") from error
    return parts


def freeze(module: nn.Module) -> None:
    """Let a module stay as it is: without gradients, and in evaluation mode in every pass."""
    module.requires_grad_(False)
    module.register_forward_pre_hook(_to_evaluation)


def _to_evaluation(module: nn.Module, inputs: Any) -> None:
    module.eval()


def _widths(widths: Mapping[str, int], model: Mapping[str, Any]) -> tuple[int, int]:
    return widths["node_feats"], widths["edge_feats"] if model["edge_features"] else 0


def weights_path(name: str | PathLike[str]) -> Path:
    """The file of weights that a name stands for: those of the package come first.

    FileNotFoundError if there is none.
    """
    path = Path(name)
    if str(name) in shipped_weights():
        if any((path / file).is_file() for file in (FILE, CHECKPOINT)):
            warnings.warn(
                f"{name} are weights that come with the package; those of the run in that folder are ./{name}.",
                stacklevel=2,
            )
        return _FOLDER / f"{name}.pt"
    for file in (path / FILE, path / CHECKPOINT, path):
        if file.is_file():
            return file
    if (path / "config.yaml").is_file():
        raise FileNotFoundError(f"The run {path} has no weights yet: let it end an epoch.")
    shipped = shipped_weights()
    known = (
        f"Those that come with the package: {', '.join(shipped)}." if shipped else "None come with the package."
    )
    raise FileNotFoundError(
        f"There are no weights {name}: no such name, nor a run with {FILE} or {CHECKPOINT}. {known} To make "
        "some: dgl-memgnn pretrain --csv FILE --out RUN."
    )
