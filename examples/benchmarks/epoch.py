"""A training epoch of GMN on ENZYMES and of MemGNN on ESOL, against the same networks on torch_geometric's layers.

Sizes and batches are those of the paper's Table 4. Ours is trained by the Trainer without clustering steps, the
other by the usual loop over torch_geometric's loader, with the same loss, clipping and Adam, which in both leave
the keys alone. The last table says where our epoch's time goes. Without the real data, graphs as large as theirs
with random features stand in.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import common  # before torch and DGL
import samples
import torch
from dgl.dataloading import GraphDataLoader
from torch import nn

from dgl_memgnn import GMN, MemGNN
from dgl_memgnn.tasks import Classes, Regression, Task
from dgl_memgnn.training import EvenBatches, Trainer, TrainingConfig
from dgl_memgnn.transforms import RandomWalkWithRestart

CLIP_NORM, LEARNING_RATE = 2.0, 1e-3


class Training(NamedTuple):
    name: str
    dataset: Any  # a sequence of graphs and labels
    batch_size: int
    network: str  # GMN or MemGNN, of ours and of the peers
    sizes: dict
    inputs: Callable
    task: Task


def enzymes(data_dir, num_graphs):
    """GMN's task; on as many synthetic graphs if their number is given."""
    topology_feats = 32
    embed = RandomWalkWithRestart(topology_feats)
    dataset = None if num_graphs else samples.real_dataset("ENZYMES", data_dir, pre_transform=embed)
    name = "GMN on ENZYMES" if dataset else "GMN on synthetic graphs like ENZYMES"
    if dataset is None:
        sizes = samples.enzymes_sizes(num_graphs or 600)
        rings = samples.ring_graphs(sizes, reach=2, node_feats=21, edge_feats=1)
        dataset = [(embed(graph), torch.randint(6, ())) for graph in rings]
    return Training(
        name,
        dataset,
        20,
        "GMN",
        dict(
            in_feats=21,
            topology_feats=topology_feats,
            hidden_feats=100,
            out_feats=6,
            num_keys=(10, 1),
            num_heads=5,
            dropout=0.1,
        ),
        lambda graph: (graph.ndata["feat"], graph.ndata["topology"]),
        Classes(range(6)),
    )


def esol(data_dir, num_graphs):
    """MemGNN's task; on as many synthetic graphs if their number is given."""
    dataset = None if num_graphs else samples.real_dataset("ESOL", data_dir, featurizer="attentivefp")
    name = "MemGNN on ESOL" if dataset else "MemGNN on synthetic graphs like ESOL"
    if dataset is None:
        rings = samples.ring_graphs(samples.esol_sizes(num_graphs or 1128), reach=1, node_feats=39, edge_feats=10)
        dataset = [(graph, torch.randn(1)) for graph in rings]
    return Training(
        name,
        dataset,
        32,
        "MemGNN",
        dict(
            in_feats=39,
            edge_feats=10,
            hidden_feats=16,
            out_feats=1,
            num_layers=3,
            num_keys=(64, 1),
            num_heads=5,
            dropout=0.1,
        ),
        lambda graph: (graph.ndata["feat"], graph.edata["feat"]),
        Regression().fit(torch.stack([label for _, label in dataset])),
    )


def our_trainer(training):
    network = {"GMN": GMN, "MemGNN": MemGNN}[training.network](**training.sizes)
    return Trainer(
        network,
        training.task,
        training.inputs,
        TrainingConfig(
            epochs=1,
            batch_size=training.batch_size,
            learning_rate=LEARNING_RATE,
            clustering_period=0,
            clip_norm=CLIP_NORM,
        ),
        progress=False,
    )


def our_epoch(training):
    """A new network and Trainer.fit for one epoch, its validation on two graphs included."""
    size = len(training.dataset)
    dataset = [*training.dataset, training.dataset[0], training.dataset[1]]
    return lambda: our_trainer(training).fit(dataset, range(size), validation=range(size, size + 2))


def peer_epoch(training):
    import peers

    network = getattr(peers, training.network)(**training.sizes)
    loader = common.torch_geometric().loader.DataLoader(
        [peers.to_data(graph, label) for graph, label in training.dataset], training.batch_size, shuffle=True
    )
    moved = [parameter for name, parameter in network.named_parameters() if not name.endswith(".k")]
    optimizer = torch.optim.Adam(moved, LEARNING_RATE)

    def epoch():
        network.train()
        losses = []
        for data in loader:
            loss = training.task(network(data), data.y)
            losses.append(loss.item())
            network.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(moved, CLIP_NORM)
            optimizer.step()

    return epoch


def staged_epoch(training, laps):
    """An epoch by the Trainer's steps that adds to the laps a dict of the milliseconds each part took."""
    trainer = our_trainer(training)
    network, adam = trainer.model.train(), trainer.schedule.supervised
    moved = adam.param_groups[0]["params"]
    batches = EvenBatches(len(training.dataset), training.batch_size, seed=0)
    loader = GraphDataLoader(training.dataset, batch_sampler=batches)

    def epoch():
        spent = dict.fromkeys(("model", "optimizer", "loader", "synchronisation"), 0.0)
        clock = time.perf_counter()

        def lap(part):
            nonlocal clock
            start, clock = clock, time.perf_counter()
            spent[part] += 1e3 * (clock - start)

        for graph, label in loader:
            lap("loader")
            loss = training.task(network(graph, *training.inputs(graph)), label)
            lap("model")
            loss.item()
            lap("synchronisation")
            network.zero_grad(set_to_none=True)
            lap("optimizer")
            loss.backward()
            lap("model")
            nn.utils.clip_grad_norm_(moved, CLIP_NORM)
            adam.step()
            lap("optimizer")
        lap("loader")
        laps.append(spent)

    return epoch


def measure(training, seconds):
    """A row of the comparison, and one of the profile."""
    laps = []
    epochs = {"ours": our_epoch(training), "staged": staged_epoch(training, laps)}
    if common.torch_geometric():
        epochs["PyG"] = peer_epoch(training)
    ms = {name: timing.ms for name, timing in common.compare(epochs, seconds).items()}
    comparison = {"training": training.name, "graphs": len(training.dataset), "ours ms": ms["ours"]}
    if "PyG" in ms:
        comparison.update({"PyG ms": ms["PyG"], "PyG/ours": ms["PyG"] / ms["ours"]})

    spent = {part: statistics.median(lap[part] for lap in laps) for part in laps[0]}
    profile = {"training": training.name, **{f"{part} ms": ms for part, ms in spent.items()}}
    profile["outside the model"] = (spent["loader"] + spent["synchronisation"]) / sum(spent.values())
    return comparison, profile


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with real data sets; default: $DGL_MEMGNN_DATA")
    args = parser.parse_args()
    torch.manual_seed(0)
    seconds, num_graphs = (0, 8) if args.quick else (60, None)
    rows = [measure(build(args.data_dir, num_graphs), seconds) for build in (enzymes, esol)]
    comparison = {"title": "A training epoch: median time", "rows": [row for row, _ in rows], "notes": []}
    if not common.torch_geometric():
        comparison["notes"].append("torch_geometric is not installed: no comparison with it.")
    profile = {
        "title": "Where the time of our epoch goes",
        "rows": [row for _, row in rows],
        "notes": [
            "model: forward, loss and backward; optimizer: clipping and Adam; loader: shuffling and batching; "
            "synchronisation: reading the loss. The last two are outside the model.",
        ],
    }
    common.report("epoch", [comparison, profile], args)
