"""What a run has loaded and chosen, in words, and the options that choose otherwise."""

from __future__ import annotations

from dgl_memgnn.runs.assembly import Assembly
from dgl_memgnn.runs.parts import describe_split, task_of
from dgl_memgnn.tasks import label_weights
from dgl_memgnn.training.batching import num_batches
from dgl_memgnn.weights import shipped_weights
from dgl_memgnn.wording import significant

__all__ = ["describe", "undefined_metrics"]

_LISTED = 5  # sentences about metrics that are not defined
_PHRASES = {
    "hidden_feats": "width {hidden_feats}",
    "num_layers": "{num_layers} layers",
    "readout": "readout {readout}",
    "num_keys": "memory layers of {keys} keys in {num_heads} heads",
}


def describe(assembly: Assembly) -> str:
    """Describe a run before it trains, in a few lines.

    Parameters
    ----------
    assembly : Assembly
        The run.

    Returns
    -------
    str
    """
    split = describe_split(assembly.config, assembly.dataset, assembly.parts)
    undefined = undefined_metrics(assembly)
    if len(undefined) > _LISTED:
        undefined[_LISTED:] = [
            f"So it is with {len(undefined) - _LISTED} more; metrics.json lists them (undefined)."
        ]
    return "\n".join(
        [
            *assembly.dataset.report(),
            _network(assembly),
            *_start(assembly),
            *split,
            *_training(assembly),
            *_loss_weights(assembly),
            *undefined,
        ]
    )


def undefined_metrics(assembly: Assembly) -> list[str]:
    """Which metrics the labels of the parts that are scored do not define, a sentence a target and part."""
    task, labels = task_of(assembly.dataset), assembly.dataset.labels
    return [
        f"In the {part} part {sentence}"
        for part, indices in assembly.parts.items()
        if part != "train"
        for sentence in task.undefined(labels[indices])
    ]


def _loss_weights(assembly: Assembly) -> list[str]:
    """What weighs how much in the loss, a sentence a kind of weight."""
    training, dataset = assembly.config.training, assembly.dataset
    train, sentences = assembly.parts["train"], []
    rows = None if dataset.weights is None else dataset.weights[train]
    label_weights(task_of(dataset), dataset.labels[train], rows, training.class_balance, training.task_weights)
    if rows is not None:
        zero = int((rows == 0).sum())
        sentences.append(
            f"Weights of rows: {significant(rows.min().item())} to {significant(rows.max().item())} in the "
            f"training part{f', 0 in {zero} rows' * (zero > 0)} (--weight-column); scores are not weighted."
        )
    if training.class_balance:
        sentences.append("Classes of a target weigh the same in the loss (--class-balance).")
    if training.task_weights:
        of_tasks = zip(dataset.task_names, training.task_weights)
        listed = ", ".join(f"{name!r} {significant(weight)}" for name, weight in of_tasks)
        sentences.append(f"Weights of targets: {listed} (--task-weights).")
    return [" ".join(sentences)] if sentences else []


def _training(assembly: Assembly) -> list[str]:
    """How long a network is trained, if by gradients."""
    if assembly.network.learns_by_itself:
        return []
    training, num_graphs = assembly.config.training, len(assembly.parts["train"])
    return [
        f"Training: at most {training.num_epochs(num_graphs)} epochs of "
        f"{num_batches(num_graphs, training.batch_size)} batches (--epochs, --batch-size)."
    ]


def _start(assembly: Assembly) -> list[str]:
    """Where the weights of a network come from that can start from others."""
    options = assembly.config.model
    if "pretrained" not in assembly.network.options(options):
        return []
    if not assembly.pretrained:
        return [f"Weights: drawn at random (--pretrained; {', '.join(shipped_weights()) or 'or a run'})."]
    parts = {"query": "query network", "readout": "memory layers"}
    taken = " and ".join(parts[part] for part in assembly.pretrained)
    stays = ", the former frozen" if options.freeze_query else ""
    return [f"Weights: {taken} from {options.pretrained!r}{stays} (--pretrained, --freeze-query)."]


def _network(assembly: Assembly) -> str:
    network, options = assembly.network, assembly.config.model
    heeded = network.options(options)
    values = {**vars(options), "keys": ", ".join(map(str, options.num_keys))}
    sizes = [_PHRASES[name].format(**values) for name in heeded if name in _PHRASES]
    count = sum(parameter.numel() for parameter in assembly.learner.evaluated.parameters())
    parameters = f": {count:,} parameters" if count else ""
    said = [name for name in heeded if name in (*_PHRASES, "num_heads", "pretrained")]
    listed = ", ".join("--" + name.replace("_", "-") for name in ("network", *said))
    return f"Network: {', '.join([network.name, *sizes])}{parameters} ({listed})."
