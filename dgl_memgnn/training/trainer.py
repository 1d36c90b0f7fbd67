"""The training loop."""

import copy
import math
from contextlib import contextmanager

import torch
from dgl.dataloading import GraphDataLoader
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import Subset
from tqdm import tqdm

from dgl_memgnn.nn.norm import join_batch_norms
from dgl_memgnn.training.batching import EvenBatches, epoch_seed
from dgl_memgnn.training.distributed import all_sum, gathered, num_processes, rank
from dgl_memgnn.training.inference import descriptor_argument, predict
from dgl_memgnn.training.interrupt import deferred_interrupt
from dgl_memgnn.training.objective import memory_clustering_loss
from dgl_memgnn.training.schedule import AlternatingSchedule, cosine, halving

__all__ = ["CHOICES", "Trainer"]

CHOICES = {"decay": ("halving", "cosine"), "keep": ("best", "last")}


class Trainer:
    r"""Trains a network on the alternating schedule and keeps its best epoch, or its last

    Several processes, where :mod:`torch.distributed` has been initialised, take their shares of every batch: a
    step is that of one process on the joint batch, but for the random numbers of dropout.

    Parameters
    ----------
    model : torch.nn.Module
        :class:`GMN`, :class:`MemGNN`, or a network called like them: ``model(graph, *inputs,
        get_assignments=True)`` returns the output and the memory layers' assignments.
    objective : torch.nn.Module
        :class:`Classification`, :class:`BinaryTasks` or :class:`Regression`.
    inputs : callable
        The model's inputs beside the graph, taken from a batched graph.
    score : callable
        ``score(prediction, label)`` returns a dict of metrics, the one that decides first.
    higher_is_better : bool
        Whether the metric that decides grows as predictions improve.
    epochs : int, optional
        Largest number of epochs. Default: ``100``.
    batch_size : int, optional
        Number of graphs in a batch. Batches of an epoch differ by one graph at most. Default: ``32``.
    learning_rate : float, optional
        Learning rate of Adam. Default: ``1e-3``.
    decay : str, optional
        ``"halving"`` of the learning rate after each ``halve_every`` epochs, or ``"cosine"``: along half a cosine
        towards 0 after the last of ``epochs``. Default: ``"halving"``, the paper's.
    halve_every : int, optional
        Number of epochs after which the learning rate halves. Default: ``500``, the paper's.
    weight_average : float, optional
        Decay, a step, of an exponential moving average of the weights, which is what is validated and kept in
        place of the weights themselves; 0 for none. Default: ``0.0``.
    weight_decay : float, optional
        Weight decay of Adam. Default: ``0.0``.
    clustering_period : int, optional
        Number of epochs from one clustering step to the next; 0 for none. Default: ``5``.
    clip_norm : float, optional
        Largest norm of the gradient of a step. Default: ``2.0``.
    keep : str, optional
        ``"best"`` keeps the epoch that is best on validation, ``"last"`` the last one, which is meant for
        ``decay="cosine"`` and a validation part too small or too different to choose on. Default: ``"best"``.
    patience : int, optional
        Number of epochs without improvement on validation after which training stops; of no effect where the last
        epoch is kept. Default: ``200``.
    seed : int, optional
        Seed of the order of the graphs and of dropout. Default: ``0``.
    device : str, optional
        ``"cpu"`` or ``"cuda"``. Default: ``"cpu"``.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.

    Raises
    ------
    ValueError
        If ``decay`` or ``keep`` is not one of those above.

    Examples
    --------
    >>> from dgl_memgnn import MemGNN
    >>> from dgl_memgnn.data import MoleculeDataset
    >>> from dgl_memgnn.evaluation import score_regression
    >>> from dgl_memgnn.training import Regression, Trainer
    >>> molecules = MoleculeDataset(["C" * n for n in range(1, 9)], [[float(n)] for n in range(1, 9)])
    >>> model = MemGNN(molecules.node_feats, molecules.edge_feats, 16, 1, num_layers=1)
    >>> trainer = Trainer(
    ...     model,
    ...     Regression.fit(molecules.labels[:6]),
    ...     inputs=lambda graph: (graph.ndata["feat"], graph.edata["feat"]),
    ...     score=score_regression,
    ...     higher_is_better=False,
    ...     epochs=2,
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
        model,
        objective,
        inputs,
        score,
        higher_is_better,
        epochs=100,
        batch_size=32,
        learning_rate=1e-3,
        decay="halving",
        halve_every=500,
        weight_average=0.0,
        weight_decay=0.0,
        clustering_period=5,
        clip_norm=2.0,
        keep="best",
        patience=200,
        seed=0,
        device="cpu",
        progress=True,
    ):
        for name, value in (("decay", decay), ("keep", keep)):
            if value not in CHOICES[name]:
                raise ValueError(f"Unknown {name} {value!r}: choose one of {', '.join(CHOICES[name])}.")
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.objective = objective.to(self.device)
        self.inputs = inputs
        self.score = score
        self.sign = 1 if higher_is_better else -1
        self.epochs = epochs
        self.batch_size = batch_size
        self.keep = keep
        self.patience = patience
        self.seed = seed
        self.progress = progress
        self.schedule = AlternatingSchedule(
            model,
            learning_rate,
            cosine(epochs) if decay == "cosine" else halving(halve_every),
            clustering_period,
            clip_norm,
            weight_decay,
        )
        self.average = _moving_average(model, weight_average) if weight_average > 0 else None
        self.history = []
        self.kept_epoch = 0
        self.kept_state = None

    @property
    def evaluated(self):
        """The network that is validated and kept: the model, or the average of its weights."""
        return self.model if self.average is None else self.average.module

    def fit(self, dataset, train, validation, on_epoch=None):
        """Train, and leave the model at the epoch that is kept.

        After :meth:`load_state_dict`, training continues as if it had never stopped. Ctrl-C stops it at the end
        of a batch.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            Graphs with their labels and, for a network that takes them, descriptors of shape :math:`(D,)`.
        train, validation : sequence of int
            Indices of the graphs to learn from and to score each epoch on.
        on_epoch : callable, optional
            Called as ``on_epoch(record, kept)`` after each epoch, with the model as it then is.

        Returns
        -------
        list of dict
            The record of each epoch: its number, losses (the clustering loss is None without a clustering
            step), and metrics on validation.

        Raises
        ------
        FloatingPointError
            If a loss or its gradient is not finite; the message names the batch.
        """
        batches = EvenBatches(len(train), self.batch_size, self.seed, rank(), num_processes())
        loader = GraphDataLoader(Subset(dataset, train), batch_sampler=batches)
        network = self.model
        if num_processes() > 1:  # statistics of batch normalisation are equal without a broadcast
            join_batch_norms(self.model)
            network = DistributedDataParallel(self.model, broadcast_buffers=False)
        counts = self.objective.counts(torch.stack([dataset[i][1] for i in train])).double()
        label = torch.stack([dataset[i][1] for i in validation])
        silent = not self.progress or rank() > 0
        bar = tqdm(total=self.epochs, initial=len(self.history), unit="epoch", disable=silent)
        with bar, deferred_interrupt() as stop_if_interrupted:
            while not self._is_finished():
                epoch = len(self.history) + 1
                torch.manual_seed(epoch_seed(self.seed, epoch, rank()))
                batches.set_epoch(epoch)
                record = {"epoch": epoch, **self._train_epoch(network, loader, counts, stop_if_interrupted)}
                metrics = self.score(self.predict(dataset, validation), label)
                record.update(metrics)
                name, value = next(iter(metrics.items()))
                if math.isnan(value):
                    raise ValueError(
                        f"{name} on validation is not a number, so no epoch can be chosen. See that "
                        "the validation part has a label, and a binary task both classes."
                    )
                best = self.history[self.kept_epoch - 1][name] if self.kept_epoch else -self.sign * math.inf
                self.history.append(record)
                kept = self.keep == "last" or self.sign * value > self.sign * best
                if kept:
                    self.kept_epoch = epoch
                    self.kept_state = copy.deepcopy(self.evaluated.state_dict())
                bar.set_postfix(
                    {
                        "loss": f"{record['loss']:.4f}",
                        f"validation {name}": f"{value:.4f}",
                        "kept": f"{self.history[self.kept_epoch - 1][name]:.4f}",
                    }
                )
                bar.update()
                if on_epoch is not None:
                    on_epoch(record, kept)
        for network in {self.model, self.evaluated}:
            network.load_state_dict(self.kept_state)
        return self.history

    def state_dict(self):
        """All that :meth:`fit` needs to continue after its last epoch: tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
            "kept_epoch": self.kept_epoch,
            "kept_state": self.kept_state,
        }

    def load_state_dict(self, state):
        """Continue from a state of a trainer with the same arguments."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = state["history"]
        self.kept_epoch, self.kept_state = state["kept_epoch"], state["kept_state"]

    def predict(self, dataset, indices=None):
        """Predict for graphs of a data set.

        Parameters
        ----------
        dataset : sequence of (DGLGraph, torch.Tensor) or (DGLGraph, torch.Tensor, torch.Tensor)
            As in :meth:`fit`; labels are not looked at.
        indices : sequence of int, optional
            Indices of the graphs. Default: all.

        Returns
        -------
        torch.Tensor
            Predictions of shape :math:`(n, D_{out})`: class probabilities, probabilities, or targets.
        """
        indices = list(range(len(dataset)) if indices is None else indices)
        if len(indices) < num_processes():
            return self._predict(dataset, indices)
        shares = gathered(self._predict(dataset, indices[rank() :: num_processes()]))
        prediction = shares[0].new_empty(len(indices), *shares[0].shape[1:])
        for i, share in enumerate(shares):
            prediction[i :: num_processes()] = share
        return prediction

    def _predict(self, dataset, indices):
        graphs, _, *described = zip(*(dataset[i] for i in indices))
        descriptors = torch.stack(described[0]) if described else None
        return predict(
            self.evaluated, self.objective, self.inputs, graphs, 4 * self.batch_size, self.device, descriptors
        )

    def _is_finished(self):
        epoch = len(self.history)
        return epoch >= self.epochs or epoch - self.kept_epoch >= self.patience

    def _train_epoch(self, network, loader, counts, stop_if_interrupted):
        batches, epoch = loader.batch_sampler, len(self.history) + 1
        self.schedule.begin_epoch(epoch)
        self.model.train()
        total = torch.zeros((), dtype=torch.float64)
        for batch, (whole, (graph, label, *described)) in enumerate(zip(batches.whole(), loader), start=1):
            graph, label = graph.to(self.device), label.to(self.device)
            described = descriptor_argument(described, self.device)
            loss = self.objective(network(graph, *self.inputs(graph), **described), label)
            share = (counts[batches.share(whole)].sum() / counts[whole].sum().clamp_min(1)).item()
            total += share * loss.item()
            with _located(f"batch {batch} of epoch {epoch}"):
                self.schedule.supervised_step(loss * (share * num_processes()))  # gradients will be averaged
            if self.average is not None:
                self.average.update_parameters(self.model)
            stop_if_interrupted()
        clustering = None
        if self.schedule.clusters_after(epoch):
            with _located(f"the clustering step of epoch {epoch}"):
                clustering = self._cluster(loader)
        return {"loss": all_sum(total).item() / len(loader), "clustering_loss": clustering}

    def _cluster(self, loader):
        """One clustering step over all training graphs; returns the loss, in nats per graph."""
        total = torch.zeros((), dtype=torch.float64)

        def losses():
            for graph, _, *described in loader:
                graph = graph.to(self.device)
                _, assignments = self.model(
                    graph, *self.inputs(graph), get_assignments=True, **descriptor_argument(described, self.device)
                )
                share = graph.batch_size / len(loader.dataset)
                loss = share * memory_clustering_loss(graph, assignments)
                total.add_(loss.item())
                yield loss

        self.schedule.clustering_step(losses())
        return all_sum(total).item()


@contextmanager
def _located(place):
    """Completes the message of a number that is not finite."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(
            f"{error} in {place}. Lower the learning rate, and look for extreme features or targets."
        ) from error


def _moving_average(model, decay):
    """Keeps an exponential moving average of all weights and of the statistics of batch normalisation."""
    return AveragedModel(
        model, avg_fn=lambda average, current, _: decay * average + (1 - decay) * current, use_buffers=True
    )
