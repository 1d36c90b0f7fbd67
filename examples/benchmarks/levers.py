"""Changes of a network or its training, each alone and some together, by validation score on inner folds.

What is worth its place becomes an option of the package; the others live here only. Each is trained on the inner
training part of outer folds (protocol fair) and scored on the inner validation part; no test part is ever
predicted. Finished trials are stored, and a second call continues after them.
"""

import argparse
import functools
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import dgl
import torch
from torch import nn

from dgl_memgnn.config import load_config
from dgl_memgnn.models import NETWORKS
from dgl_memgnn.nn import MemoryReadout
from dgl_memgnn.nn.norm import BatchNorm
from dgl_memgnn.runs import load_dataset, split
from dgl_memgnn.runs.assembly import embed_for, task_of, widths_of
from dgl_memgnn.runs.jobs import finished_jobs
from dgl_memgnn.runs.run import write_json
from dgl_memgnn.tasks import Classes
from dgl_memgnn.training import Trainer


class SumBeside(MemoryReadout):
    """Memory layers, and beside them a plain sum: their rows are added."""

    def forward(self, graph, feat, get_assignments=False):
        row, assignments = super().forward(graph, feat, get_assignments=True)
        row = row + self.beside(self.plain(graph, feat))
        return (row, assignments) if get_assignments else row


class FeedForward(nn.Module):
    """The update of a convolution, and a block of two layers with a skip connection after it."""

    def __init__(self, update, feats, dropout):
        super().__init__()
        self.update = update
        self.block = nn.Sequential(
            BatchNorm(feats),
            nn.Linear(feats, 2 * feats),
            nn.LeakyReLU(0.2),
            nn.Dropout(dropout),
            nn.Linear(2 * feats, feats),
        )

    def forward(self, message, feat):
        feat = self.update(message, feat)
        return feat + self.block(feat)


class SmoothClasses(Classes):
    """Classes whose loss takes a tenth of the label away and gives it to all classes."""

    def forward(self, output, label):
        return nn.functional.cross_entropy(output, label, label_smoothing=0.1)


def sum_beside(model):
    feats = model.readout.layers[0].keys.shape[2]
    model.readout.plain = dgl.nn.SumPooling()
    model.readout.beside = nn.Sequential(nn.Linear(feats, feats, bias=False), BatchNorm(feats), nn.LeakyReLU(0.2))
    model.readout.__class__ = SumBeside


def feed_forward(model):
    query = model.query
    feats = query.embedding.out_features
    query.updates = nn.ModuleList(FeedForward(update, feats, 0.2) for update in query.updates)


def smooth(trainer):
    trainer.task.__class__ = SmoothClasses


class Disturbed:
    """A data set whose graphs lose nodes, or columns of their features, each time they are looked at."""

    def __init__(self, dataset, transform):
        self.dataset, self.transform = dataset, transform

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, i):
        graph, *rest = self.dataset[i]
        changed = self.transform(graph)
        return (changed if changed.num_nodes() else graph, *rest)


class Joined:
    """Two data sets, one after the other."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def __len__(self):
        return len(self.first) + len(self.second)

    def __getitem__(self, i):
        return self.first[i] if i < len(self.first) else self.second[i - len(self.first)]


def mask(graph):
    """A tenth of the features of each node set to 0."""
    graph = graph.clone()
    feat = graph.ndata["feat"]
    graph.ndata["feat"] = feat * (torch.rand_like(feat) > 0.1)
    return graph


ROWS_AND_KEYS = {"readout": "rows", "supervised_keys": True}
# name -> values of the configuration, changes of the model, of the trainer, of the graphs it learns from
LEVERS = {
    "nothing": ({}, [], [], None),
    "random keys that never move": ({"clustering_period": 0}, [], [], None),
    "keys moved by the supervised loss too": ({"supervised_keys": True}, [], [], None),
    "probabilities mixed": ({"log_scores": False}, [], [], None),
    "rows side by side": ({"readout": "rows"}, [], [], None),
    "rows side by side, keys moved by the supervised loss too": (ROWS_AND_KEYS, [], [], None),
    "rows side by side, random keys": ({"readout": "rows", "clustering_period": 0}, [], [], None),
    "means": ({"key_means": True}, [], [], None),
    "means, rows side by side": ({"readout": "rows", "key_means": True}, [], [], None),
    "means, rows side by side, keys moved by the supervised loss too": (
        {**ROWS_AND_KEYS, "key_means": True},
        [],
        [],
        None,
    ),
    "a plain sum beside": ({}, [sum_beside], [], None),
    "plain sum": ({"readout": "sum"}, [], [], None),
    "plain mean": ({"readout": "mean"}, [], [], None),
    "temperature 0.1": ({"tau": 0.1}, [], [], None),
    "no moving average": ({"weight_average": 0.0}, [], [], None),
    "weight decay 1e-4": ({"weight_decay": 1e-4}, [], [], None),
    "weight decay 1e-3": ({"weight_decay": 1e-3}, [], [], None),
    "labels smoothed": ({}, [], [smooth], None),
    "a tenth of the nodes dropped": ({}, [], [], dgl.transforms.DropNode(0.1)),
    "a tenth of the features masked": ({}, [], [], mask),
    "a feed-forward block after each convolution": ({}, [feed_forward], [], None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", help="a YAML file, or the name of a configuration of the package")
    parser.add_argument("--folds", type=int, default=10, help="number of outer folds")
    parser.add_argument("--values", type=json.loads, default={}, metavar="JSON", help="values to start from")
    parser.add_argument("--levers", nargs="+", choices=tuple(LEVERS), metavar="NAME", help="default: all that fit")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write, or to continue")
    args = parser.parse_args()

    config = load_config(args.config, args.values)
    config.search = {}
    setting = {"config": asdict(config), "protocol": "fair", "seeds": args.folds}
    stored = {"setting": setting, "trials": []}
    if args.out.exists():
        stored = json.loads(args.out.read_text(encoding="utf-8"))
        if not same(stored["setting"], setting):
            parser.error(f"{args.out} is of another setting. Give another --out, or remove it.")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = {trial["values"]["lever"] for trial in stored["trials"]}
    diverged = []
    for name in args.levers or [each for each in LEVERS if fits(each, config)]:
        if name in done:
            continue
        try:
            outcomes = measure(args, name, stored)
        except FloatingPointError as error:  # the other levers are measured
            diverged.append(f"{name}: {error}")
            continue
        mean = sum(outcome["score"] for outcome in outcomes) / len(outcomes)
        stored["trials"].append({"values": {"lever": name}, "mean": mean, "seeds": outcomes})
        del stored["begun"][name]
        if not stored["begun"]:
            del stored["begun"]
        write_json(args.out, stored)
        print(f"{mean:.4f} {outcomes[0]['metric']} with {name}", flush=True)
    if diverged:
        raise FloatingPointError("\n".join(diverged))


def measure(args, name, stored):
    """What a lever reaches fold by fold; each fold is stored when it ends, and not measured again."""
    outcomes = stored.setdefault("begun", {}).setdefault(name, [])
    known = {outcome["seed"] for outcome in outcomes}
    calls = [(args.config, args.values, name, fold) for fold in range(args.folds) if fold not in known]
    for outcome in finished_jobs(validate, calls, args.workers):
        outcomes.append(outcome)
        write_json(args.out, stored)
    return sorted(outcomes, key=lambda outcome: outcome["seed"])


def same(stored, setting):
    """Whether settings agree in all they both have: defaults of keys that came later change nothing."""
    if not isinstance(stored, dict):
        return stored == setting
    return all(same(value, setting[name]) for name, value in stored.items() if name in setting)


def fits(name, config):
    """Whether a lever is for the network of a configuration."""
    return feed_forward not in LEVERS[name][1] or config.model.network == "MemGNN"


def validate(source, start, name, fold):
    """The validation score of a lever on the inner parts of an outer fold."""
    started = time.perf_counter()
    values, of_model, of_trainer, disturb = LEVERS[name]
    config = load_config(source, {**start, **values})
    config.search = {}
    data = replace(config.data, split="fair-inner", fold=fold)
    config = replace(config, data=data, training=replace(config.training, seed=fold))
    dataset = load(source, json.dumps(start))
    parts, task, network = split(config, dataset), task_of(dataset), NETWORKS[config.model.network]
    torch.manual_seed(fold)
    model = network.build(config.model, widths_of(config, dataset), task, fold)
    for change in of_model:
        change(model)
    trainer = Trainer(model, task, network.take_inputs(config.model), config.training, progress=False)
    for change in of_trainer:
        change(trainer)
    if disturb:
        joined = Joined(Disturbed(dataset, disturb), dataset)
        history = trainer.fit(joined, parts["train"], parts["validation"] + len(dataset))
    else:
        history = trainer.fit(dataset, parts["train"], parts["validation"])
    metric = next(iter(task.metrics))
    return {
        "seed": fold,
        "score": history[trainer.kept_epoch - 1][metric],
        "metric": metric,
        "sign": 1 if task.higher_is_better else -1,
        "kept_epoch": trainer.kept_epoch,
        "seconds": round(time.perf_counter() - started, 1),
    }


@functools.lru_cache(maxsize=1)
def load(source, start):
    """The data set of a configuration, with the embedding of its nodes."""
    config = load_config(source, json.loads(start))
    dataset = load_dataset(config)
    embed_for(config, dataset.graphs, config.data.cache_dir)
    return dataset


if __name__ == "__main__":
    main()
