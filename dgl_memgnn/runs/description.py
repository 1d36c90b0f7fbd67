"""What a run has loaded and chosen, in words, and the options that choose otherwise."""

from __future__ import annotations

from dgl_memgnn.config import FAIR_SPLITS
from dgl_memgnn.runs.assembly import Assembly, outer_folds, task_of
from dgl_memgnn.weights import shipped_weights

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
    sizes = ", ".join(f"{len(indices)} {part}" for part, indices in assembly.parts.items())
    split = f"Split: {assembly.config.data.split}, {sizes} (--split)."
    if assembly.config.data.split in FAIR_SPLITS:
        split += f" Its folds are {outer_folds(assembly.config, assembly.dataset)[1]}."
    undefined = undefined_metrics(assembly)
    if len(undefined) > _LISTED:
        undefined[_LISTED:] = [
            f"So it is with {len(undefined) - _LISTED} more; metrics.json lists them (undefined)."
        ]
    return "\n".join([*assembly.dataset.report(), _network(assembly), *_weights(assembly), split, *undefined])


def undefined_metrics(assembly: Assembly) -> list[str]:
    """Which metrics the labels of the parts that are scored do not define, a sentence a target and part."""
    task, labels = task_of(assembly.dataset), assembly.dataset.labels
    return [
        f"In the {part} part {sentence}"
        for part, indices in assembly.parts.items()
        if part != "train"
        for sentence in task.undefined(labels[indices])
    ]


def _weights(assembly: Assembly) -> list[str]:
    options = assembly.config.model
    if "pretrained" not in assembly.network.options(options):
        return []
    if not assembly.pretrained:
        return [f"Weights: drawn at random (--pretrained; {', '.join(shipped_weights()) or 'or a run'})."]
    parts = {"query": "query network", "readout": "memory layers"}
    taken = " and ".join(parts[part] for part in assembly.pretrained)
    stays = ", the former frozen" if options.freeze_query else ""
    return [f"Weights: {taken} of {options.pretrained}{stays} (--pretrained, --freeze-query)."]


def _network(assembly: Assembly) -> str:
    network, options = assembly.network, assembly.config.model
    heeded = network.options(options)
    values = {**vars(options), "keys": ", ".join(map(str, options.num_keys))}
    sizes = [_PHRASES[name].format(**values) for name in heeded if name in _PHRASES]
    count = sum(parameter.numel() for parameter in assembly.learner.evaluated.parameters())
    parameters = f": {count:,} parameters" if count else ""
    listed = ", ".join("--" + name.replace("_", "-") for name in ("network", *heeded))
    return f"Network: {', '.join([network.name, *sizes])}{parameters} ({listed})."
