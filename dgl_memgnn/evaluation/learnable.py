"""Whether there is something to learn, told before an hour of training is spent on it."""
import numpy as np

__all__ = ["check_learnable"]


def check_learnable(dataset, task, parts):
    """Raise if a target is the same everywhere, or a part lacks what training or choosing an epoch needs.

    Parameters
    ----------
    dataset : MoleculeDataset or TUDataset
        With its labels, NaN where missing.
    task : str
        ``"classification"``, ``"binary"`` or ``"regression"``.
    parts : dict
        Indices of ``"train"`` and ``"validation"``.

    Raises
    ------
    ValueError
        If a target has one value only, if the training part lacks a class or all targets of a task, or if the
        validation part has nothing that the metric is defined for.
    """
    labels = dataset.labels.numpy()
    names, labels = (["class"], labels[:, None]) if task == "classification" else (dataset.task_names, labels)
    whole, train, validation = ([np.unique(column[~np.isnan(column)]) for column in rows.T]
                                for rows in (labels, labels[parts["train"]], labels[parts["validation"]]))
    for name, values in zip(names, whole):
        if len(values) < 2:
            found = f"is {values[0]:g} wherever it is given" if len(values) else "is missing everywhere"
            raise ValueError(f"The target {name!r} {found} among the {len(labels)} samples: there is nothing to "
                             "learn. Check the data, or leave it out.")
    for part, found in (("training", train), ("validation", validation)):
        lacks = None
        if task == "binary" and all(len(values) < 2 for values in found):
            lacks = "both classes of any target"
        elif task == "regression" and part == "training" and not all(map(len, found)):
            lacks = f"any value of the target {names[list(map(len, found)).index(0)]!r}"
        elif task == "regression" and not any(map(len, found)):
            lacks = "any value of any target"
        elif task == "classification" and part == "training" and len(found[0]) < len(whole[0]):
            lacks = f"class {dataset.classes[np.setdiff1d(whole[0], found[0])[0]]}"
        if lacks:
            raise ValueError(f"The {part} part lacks {lacks}. Split otherwise, by another split or seed, or give "
                             "more data.")
