"""The training loop."""

from __future__ import annotations

import copy
import hashlib
import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import dgl
import numpy as np
import torch
from dgl.dataloading import GraphDataLoader
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Subset
from tqdm import tqdm

from dgl_memgnn.data import GraphDataset, check_parts, to_indices
from dgl_memgnn.models.network import readout_of
from dgl_memgnn.nn.norm import join_batch_norms
from dgl_memgnn.tasks import Task, label_weights
from dgl_memgnn.training.assignments import has_several_keys
from dgl_memgnn.training.average import moving_average
from dgl_memgnn.training.batching import EvenBatches, epoch_seed
from dgl_memgnn.training.clustering import loss_of_calls, recorded_calls
from dgl_memgnn.training.config import TrainingConfig
from dgl_memgnn.training.distributed import all_sum, check_device, gathered, num_processes, rank
from dgl_memgnn.training.inference import descriptor_argument, predict
from dgl_memgnn.training.initial_keys import initialise_keys
from dgl_memgnn.training.interrupt import deferred_interrupt
from dgl_memgnn.training.schedule import AlternatingSchedule, cosine, halving
from dgl_memgnn.wording import significant

__all__ = ["Trainer"]

PATIENCE = 10  # seconds after which an epoch has a bar of its own
_is_renamed = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters  # since torch 2.13
_NO_BROADCAST: dict[str, Any] = {"forward_sync_buffers" if _is_renamed else "broadcast_buffers": False}


class Trainer:
    r"""Trains a network on the alternating schedule and keeps its best epoch, or its last

    Several processes, where :mod:`torch.distributed` has been initialised, take their shares of every batch: a
    step is that of one process on the joint batch, but for the random numbers of dropout.

    Parameters
    ----------
    model : torch.nn.Module
        :class:`~dgl_memgnn.GMN`, :class:`~dgl_memgnn.MemGNN`, or a network called like them:
        ``model(graph, *inputs, get_assignments=True)`` returns the output and the memory layers' assignments.
    task : Task
        What is predicted: :class:`~dgl_memgnn.tasks.Regression`, :class:`~dgl_memgnn.tasks.BinaryTasks` or
        :class:`~dgl_memgnn.tasks.Classes`. The trainer has a copy of its own, ``task``, which :meth:`fit` fits
        to the training labels.
    inputs : callable
        The model's inputs beside the graph, taken from a batched graph.
    config : TrainingConfig, optional
        The settings. Default: those of ``TrainingConfig()``.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.
    pretrained : iterable of torch.nn.Parameter, optional
        Parameters whose learning rate is ``pretrained_learning_rate``. Default: none.

    Examples
    --------
    >>> from dgl_memgnn import MemGNN
    >>> from dgl_memgnn.data import MoleculeDataset
    >>> from dgl_memgnn.training import Trainer, TrainingConfig
    >>> molecules = MoleculeDataset(["C" * n for n in range(1, 9)], [float(n) / 2 for n in range(1, 9)])
    >>> trainer = Trainer(
    ...     MemGNN(molecules.node_feats, molecules.edge_feats, 16, molecules.task.num_outputs, num_layers=1),
    ...     molecules.task,
    ...     inputs=lambda graph: (graph.ndata["feat"], graph.edata["feat"]),
    ...     config=TrainingConfig(epochs=2),
    ...     progress=False,
    ... )
    >>> history = trainer.fit(molecules, train=range(6), validation=range(6, 8))
    >>> sorted(history[0])
    ['clustering_loss', 'epoch', 'loss', 'mae', 'r2', 'rmse']
    >>> trainer.predict(molecules).shape
    torch.Size([8, 1])
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
        config: TrainingConfig | None = None,
        progress: bool = True,
        pretrained: Iterable[nn.Parameter] = (),
    ) -> None:
        self.config = TrainingConfig() if config is None else config
        check_device(self.config.device)
        if self.config.clustering_weight and not has_several_keys(model):
            raise ValueError(
                "clustering_weight is for networks that have a memory layer of several keys: leave it at 0."
            )
        self.device = torch.device(self.config.device)
        self.model = model.to(self.device)
        self.task = copy.deepcopy(task).to(self.device)
        self.inputs = inputs
        self.progress = progress
        self.schedule = AlternatingSchedule(
            model,
            self.config.learning_rate,
            halving(self.config.halve_every),
            0 if self.config.clustering_weight else self.config.clustering_period,
            self.config.clip_norm,
            self.config.weight_decay,
            self.config.supervised_keys or self.config.clustering_weight > 0,
            pretrained,
            self.config.pretrained_learning_rate,
        )
        self.average = None
        if self.config.weight_average > 0:
            self.average = moving_average(model, self.config.weight_average)
        self._learned: str | None = None  # a digest of the training part and its labels
        self.history: list[dict[str, Any]] = []
        self.kept_epoch = 0
        self.kept_quality: tuple[float, ...] | None = None  # of its validation, see Task.quality
        self.kept_state: dict[str, Any] | None = None

    @property
    def evaluated(self) -> nn.Module:
        """The network that is validated and kept: the model, or the average of its weights."""
        return self.model if self.average is None else self.average.module

    def fit(
        self,
        dataset: Sequence[Any],
        train: Any,
        validation: Any = None,
        on_epoch: Callable[[dict[str, Any], bool], None] | None = None,
        weights: Tensor | None = None,
    ) -> list[dict[str, Any]]:
        """Train, and leave the model at the epoch that is kept, in evaluation mode.

        After :meth:`load_state_dict`, training continues as if it had never stopped. Ctrl-C stops it at the end
        of a batch, or after the last epoch.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            Graphs with their labels and, for a network that takes them, descriptors of shape :math:`(D,)`.
        train, validation : sequence of int, or boolean mask
            Indices of the graphs to learn from and to score each epoch on. Without ``validation`` there is
            nothing to choose an epoch by: all are trained, and the last is kept.
        on_epoch : callable, optional
            Called as ``on_epoch(record, kept)`` after each epoch, with the model as it then is.
        weights : torch.Tensor, optional
            Weight of each graph of the data set in the supervised loss, of shape :math:`(n,)`. Default: 1 each.

        Returns
        -------
        list of dict
            The record of each epoch: its number, losses (the clustering loss is None without a clustering
            step), and metrics on validation, if there is such a part.

        Raises
        ------
        FloatingPointError
            If a loss or its gradient is not finite; the message names the batch.
        ValueError
            If a part is empty or overlaps with the other, labels are not those of the task, weights are not
            numbers of at least 0, one a graph, or the trainer has learned from others before; or if the best
            epoch is to be kept, and validation does not define the metric that decides.
        IndexError
            If an index is out of range.
        """
        config = self.config
        if weights is not None:
            weights = torch.as_tensor(weights)
            _check_weights(weights, len(dataset))
        given = {"train": train} if validation is None else {"train": train, "validation": validation}
        parts = check_parts(given, len(dataset))
        train, validation = parts["train"], parts.get("validation")
        label = self.task.checked(_labels(dataset, train), len(train))
        learned = hashlib.sha256(np.asarray(train).tobytes() + label.cpu().numpy().tobytes()).hexdigest()
        if self.history and self._learned not in (None, learned):
            raise ValueError(
                "This trainer has learned from other graphs or labels: make a new one, of a new network."
            )
        self._learned = learned
        rows = None if weights is None else weights[torch.as_tensor(train)]
        self.task.fit(label.to(self.device), None if rows is None else rows.to(self.device))
        weight = label_weights(self.task, label, rows, config.class_balance, config.task_weights)
        counts = self.task.counts(label).double()
        held_out = None if validation is None else _labels(dataset, validation)
        batches = EvenBatches(len(train), config.batch_size, config.seed, rank(), num_processes())
        items: Any = dataset  # any sequence will do
        loader = GraphDataLoader(Subset(items, train), batch_sampler=batches)
        num_epochs = config.num_epochs(len(train))
        if config.decay == "cosine":
            self.schedule.decay = cosine(num_epochs)
        if self.schedule.period and not self._clustering_moves(dataset[train[0]]):
            self.schedule.period = 0
            warnings.warn(
                "No parameter that can move has a part in the clustering loss: clustering steps are left out.",
                stacklevel=2,
            )
        if config.initial_keys == "kmeans" and not self.history:
            with self._forked():
                initialise_keys(
                    self.model, dataset, train, self.inputs, config.batch_size, config.seed, self.device
                )
        network = self.model
        if num_processes() > 1:  # statistics of batch normalisation are equal without a broadcast
            join_batch_norms(self.model)
            network = DistributedDataParallel(self.model, **_NO_BROADCAST)
        silent = not self.progress or rank() > 0
        bar = tqdm(total=num_epochs, initial=len(self.history), unit="epoch", disable=silent)
        with bar, self._forked(), deferred_interrupt() as stop_if_interrupted:
            while not self._is_finished(num_epochs):
                epoch = len(self.history) + 1
                torch.manual_seed(epoch_seed(config.seed, epoch, rank()))
                batches.set_epoch(epoch)
                loss, clustering = self._train_epoch(network, loader, counts, weight, stop_if_interrupted)
                record = {"epoch": epoch, "loss": loss, "clustering_loss": clustering}
                kept, progress = True, {"loss": significant(loss)}
                if held_out is not None:
                    prediction = self.predict(dataset, validation)
                    if not prediction.isfinite().all():
                        graph = validation[int((~prediction.isfinite()).any(1).nonzero()[0])]
                        raise FloatingPointError(
                            f"The prediction for graph {graph} of the validation part is not finite after epoch "
                            f"{epoch}. Lower the learning rate, and look for extreme features or targets."
                        )
                    metrics = self.task.score(prediction, held_out)
                    record.update(metrics)
                    name, value = next(iter(metrics.items()))
                    if config.keep == "best" and math.isnan(value):
                        raise ValueError(
                            f"{name} on validation is not a number, so no epoch can be chosen. See that "
                            "the validation part has a label, and a binary task both classes, or keep the last "
                            "epoch (keep='last')."
                        )
                    quality = self.task.quality(metrics, prediction, held_out)
                    kept = config.keep == "last" or self.kept_quality is None or quality > self.kept_quality
                    if kept:
                        self.kept_quality = quality
                    best = value if kept else self.history[self.kept_epoch - 1][name]
                    progress[f"validation {name}"] = significant(value)
                    progress["kept"] = significant(best)
                self.history.append(record)
                if kept:
                    self.kept_epoch = epoch
                    self.kept_state = copy.deepcopy(self.evaluated.state_dict())
                bar.set_postfix(progress)
                bar.update()
                if on_epoch is not None:
                    on_epoch(record, kept)
        assert self.kept_state is not None
        for network in {self.model, self.evaluated}:
            network.load_state_dict(self.kept_state)
            network.eval()
        return self.history

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`fit` and :meth:`predict` need to go on after the last epoch: tensors and plain values.

        Ask for it at the end of an epoch, in ``on_epoch``: within an epoch the network has moved on, and after
        :meth:`fit` it is that of the epoch that is kept.
        """
        return {
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "schedule": self.schedule.state_dict(),
            "task": self.task.state_dict(),
            "learned": self._learned,
            "history": list(self.history),
            "kept_epoch": self.kept_epoch,
            "kept_quality": self.kept_quality,
            "kept_state": self.kept_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of a trainer with the same arguments."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.schedule.load_state_dict(state["schedule"])
        if "task" in state:  # older ones lack it, and fit learns it anew
            self.task.load_state_dict(state["task"])
        self._learned = state.get("learned")  # which older ones lack
        self.history = list(state["history"])
        self.kept_epoch, self.kept_state = state["kept_epoch"], state["kept_state"]
        quality = state["kept_quality"] if "kept_quality" in state else self._quality_of_record()
        self.kept_quality = None if quality is None else tuple(quality)

    def _quality_of_record(self) -> tuple[float, ...] | None:
        """That of the kept epoch, which older states lack, where its metrics tell it: not of several targets."""
        record = self.history[self.kept_epoch - 1] if self.kept_epoch else {}
        if self.task.deciding not in record:
            return None
        nothing = torch.empty(0)
        return self.task.quality({name: record[name] for name in self.task.metrics}, nothing, nothing)

    def predict(self, dataset: Sequence[Any], indices: Any = None) -> Tensor:
        """Predict for graphs of a data set.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            As in :meth:`fit`; labels are not looked at.
        indices : sequence of int or boolean mask, optional
            Indices of the graphs. Default: all.

        Returns
        -------
        torch.Tensor
            Predictions of shape :math:`(n, D_{out})`: class probabilities, probabilities, or targets.

        Raises
        ------
        ValueError
            If there is no graph to predict for.
        """
        indices = to_indices(slice(None) if indices is None else indices, len(dataset))
        if not len(indices):
            raise ValueError("There is no graph to predict for.")
        if len(indices) < num_processes():
            return self._predict(dataset, indices)
        shares = gathered(self._predict(dataset, indices[rank() :: num_processes()]))
        prediction = shares[0].new_empty(len(indices), *shares[0].shape[1:])
        for i, share in enumerate(shares):
            prediction[i :: num_processes()] = share
        return prediction

    def embed(self, dataset: Sequence[Any], indices: Any = None) -> Tensor:
        """Pooled graphs of a data set: what the network's readout gives.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            As in :meth:`fit`; labels are not looked at.
        indices : sequence of int or boolean mask, optional
            Indices of the graphs. Default: all.

        Returns
        -------
        torch.Tensor
            A row a graph, of shape :math:`(n, D)`.

        Raises
        ------
        ValueError
            If the network has no readout of its own.
        """
        readout, pooled = readout_of(self.evaluated), []

        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            pooled.append((output[0] if isinstance(output, tuple) else output).detach().cpu())

        rows: Any = to_indices(slice(None) if indices is None else indices, len(dataset))
        hook = readout.register_forward_hook(keep)
        try:
            self._predict(dataset, rows)
        finally:
            hook.remove()
        return torch.cat(pooled)

    def score(self, dataset: Sequence[Any], indices: Any = None) -> dict[str, float]:
        """Metrics of the predictions for graphs of a data set, the one that decides first.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            As in :meth:`fit`.
        indices : sequence of int or boolean mask, optional
            Indices of the graphs. Default: all.

        Returns
        -------
        dict of float
            In the unit of the targets; NaN where the labels do not define a metric.
        """
        indices = to_indices(slice(None) if indices is None else indices, len(dataset))
        return self.task.score(self.predict(dataset, indices), _labels(dataset, indices))

    def _predict(self, dataset: Sequence[Any], indices: Sequence[int]) -> Tensor:
        graphs, _, *described = zip(*(dataset[i] for i in indices))
        descriptors = torch.stack(described[0]) if described else None
        return predict(
            self.evaluated, self.task, self.inputs, graphs, 4 * self.config.batch_size, self.device, descriptors
        )

    def _forked(self) -> AbstractContextManager[None]:
        """Leaves the caller's random numbers alone while the block lasts."""
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])

    def _is_finished(self, num_epochs: int) -> bool:
        epoch = len(self.history)
        return epoch >= num_epochs or epoch - self.kept_epoch >= self.config.patience

    def _train_epoch(
        self,
        network: nn.Module,
        loader: Any,
        counts: Tensor,
        weight: Tensor | None,
        stop_if_interrupted: Callable[[], None],
    ) -> tuple[float, float | None]:
        batches, epoch = loader.batch_sampler, len(self.history) + 1
        self.schedule.begin_epoch(epoch)
        self.model.train()
        total = torch.zeros((), dtype=torch.float64)
        bar = tqdm(
            zip(batches.whole(), loader),
            f"epoch {epoch}",
            len(loader),
            unit="batch",
            leave=False,
            delay=PATIENCE,
            disable=not self.progress or rank() > 0,
        )
        for batch, (whole, (graph, label, *described)) in enumerate(bar, start=1):
            graph, label = graph.to(self.device), label.to(self.device)
            described = descriptor_argument(described, self.device)
            inputs, clustering_weight = self.inputs(graph), self.config.clustering_weight
            recording: Any = recorded_calls(self.model) if clustering_weight else nullcontext()
            with recording as calls:
                out = network(graph, *inputs, **described)
            own = batches.share(whole)
            weighted = () if weight is None else (weight[own].to(self.device),)
            loss = self.task(out, label, *weighted)
            share = (counts[own].sum() / counts[whole].sum().clamp_min(1)).item()
            total += share * loss.item()
            joint = (1 - clustering_weight) * share * loss
            if clustering_weight:
                joint = joint + clustering_weight * self._clustering_loss(calls, graph.batch_size / len(whole))
            with _located(f"batch {batch} of epoch {epoch}"):
                self.schedule.supervised_step(joint * num_processes())  # gradients will be averaged
            if self.average is not None:
                self.average.update_parameters(self.model)
            stop_if_interrupted()
        clustering = None
        if self.schedule.clusters_after(epoch):
            with _located(f"the clustering step of epoch {epoch}"):
                clustering = self._cluster(loader)
        return all_sum(total).item() / len(loader), clustering

    def _clustering_moves(self, sample: tuple[Any, ...]) -> bool:
        """Whether a parameter that is not frozen has a part in the clustering loss."""
        graph, _, *described = sample
        graph = graph.to(self.device)
        self.model.eval()  # draws no random numbers, and takes a single graph
        with recorded_calls(self.model) as calls:
            self.model(
                graph,
                *self.inputs(graph),
                **descriptor_argument([each[None] for each in described], self.device),
            )
        return self._clustering_loss(calls, 1.0).requires_grad

    def _clustering_loss(self, calls: Sequence[Any], share: float) -> Tensor:
        """The part of the graphs of some calls in the clustering loss of all, in nats per graph."""
        loss = loss_of_calls(calls, self.config.detach_target)
        assert loss is not None  # there are layers with several keys
        return loss * share

    def _cluster(self, loader: Any) -> float:
        """One clustering step over all training graphs; returns the loss, in nats per graph."""
        total = torch.zeros((), dtype=torch.float64)

        def losses() -> Iterator[Tensor]:
            for graph, _, *described in loader:
                graph = graph.to(self.device)
                with recorded_calls(self.model) as calls:
                    self.model(graph, *self.inputs(graph), **descriptor_argument(described, self.device))
                loss = self._clustering_loss(calls, graph.batch_size / len(loader.dataset))
                total.add_(loss.item())
                yield loss

        self.schedule.clustering_step(losses())
        return all_sum(total).item()


def _labels(dataset: Sequence[Any], indices: Sequence[int]) -> Tensor:
    if isinstance(dataset, GraphDataset):  # which makes its graphs when they are asked for
        return dataset.labels[torch.as_tensor(indices)]
    labels = [dataset[i][1] for i in indices]
    if isinstance(labels[0], (list, tuple)):
        raise ValueError(
            f"The label of a graph must be a tensor or a number, got {labels[0]!r}: make a tensor of it."
        )
    return torch.stack([torch.as_tensor(label) for label in labels])


def _check_weights(weights: Tensor, num_graphs: int) -> None:
    if weights.shape != (num_graphs,):
        raise ValueError(
            f"weights must have shape ({num_graphs},), one for each graph of the data set, got "
            f"{tuple(weights.shape)}."
        )
    bad = ~(weights >= 0) | weights.isinf()
    if bad.any():
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"The weight of graph {first} is {weights[first].item():g}: give it a finite number of at least 0."
        )


@contextmanager
def _located(place: str) -> Iterator[None]:
    """Completes the message of a number that is not finite."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(
            f"{error} in {place}. Lower the learning rate, and look for extreme features or targets."
        ) from error
