"""What a run has loaded and chosen, in words, and the options that choose otherwise."""

from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.data.molecule_csv import list_names
from dgl_memgnn.evaluation.assembly import numeric_tasks

__all__ = ["describe"]


def describe(config, dataset, task, parts, trainer):
    """Describe a run before it trains.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    dataset : MoleculeDataset or TUDataset
        The data set.
    task : str
        ``"classification"``, ``"binary"`` or ``"regression"``.
    parts : dict
        Indices of each part of the split.
    trainer : Trainer or MorganForest
        With the network.

    Returns
    -------
    str
        A few lines.
    """
    lines = []
    if isinstance(dataset, MoleculeDataset):
        lines += [
            dataset.drop_report(),
            dataset.duplicate_report(),
            _task(config, dataset, task),
            f"Features: {dataset.featurizer}, {dataset.node_feats} an atom and {dataset.edge_feats} a bond "
            "(--featurizer).",
        ]
        if dataset.descriptor_names:
            lines.append(
                f"Descriptors: {len(dataset.descriptor_names)} of rdkit, of the whole molecule (--no-descriptors)."
            )
    sizes = ", ".join(f"{len(indices)} {part}" for part, indices in parts.items())
    return "\n".join([*lines, _network(config.model, trainer), f"Split: {config.data.split}, {sizes} (--split)."])


def _task(config, dataset, task):
    kind = "regression" if task == "regression" else "classification"
    text = f"Task: {kind} of {list_names(dataset.task_names)}"
    if config.data.csv is None:
        return text + "."
    if task == "binary":
        return f"{text}, whose values are all 0 or 1 (--tasks)."
    numeric = numeric_tasks(dataset)
    binary = [name for name in dataset.task_names if name not in numeric]
    if not binary:
        return f"{text}, whose values are not all 0 or 1 (--tasks)."
    return (
        f"{text}: the values of {list_names(numeric)} are not all 0 or 1. Those of {list_names(binary)} are; "
        "to classify instead of regressing them, train them in a run of their own (--tasks)."
    )


def _network(config, trainer):
    if config.network == "RandomForest":
        return "Network: none, but random forests on Morgan fingerprints (--network)."
    sizes, options = [f"width {config.hidden_feats}"], ["--network", "--hidden-feats"]
    if config.network != "GMN":
        sizes.append(f"{config.num_layers} layers")
        options.append("--num-layers")
    if config.network != "AttentiveFP" and config.readout == "memory":
        keys = ", ".join(map(str, config.num_keys))
        sizes.append(f"memory layers of {keys} keys in {config.num_heads} heads")
        options += ["--num-keys", "--num-heads"]
    elif config.network == "MemGNN":
        sizes.append(f"readout {config.readout}")
        options.append("--readout")
    count = sum(parameter.numel() for parameter in trainer.model.parameters())
    return f"Network: {config.network}, {', '.join(sizes)}: {count:,} parameters ({', '.join(options)})."
