"""Whether there is something to learn, told before an hour of training is spent on it."""

import numpy as np

__all__ = ["check_learnable"]


def check_learnable(dataset, task, parts):
    """Refuse targets that nothing can be learned from, and parts that no epoch can be chosen on.

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
        If a target has one value only, if the training part lacks a class or all values of a target, or if the
        validation part has nothing that the metric is defined for. The message names the target.
    """
    labels = dataset.labels.numpy()
    names, labels = (["class"], labels[:, None]) if task == "classification" else (dataset.task_names, labels)
    validation = [_values(column) for column in labels[parts["validation"]].T]
    for name, column in zip(names, labels.T):
        everywhere, training = _values(column), _values(column[parts["train"]])
        if len(everywhere) == 1:
            raise ValueError(
                f"The target {name!r} is {everywhere[0]:g} wherever it is given: there is nothing to "
                "learn. Leave it out (--tasks), or add molecules with other values."
            )
        lost = np.setdiff1d(everywhere, training)
        if len(training) == 0 or (task != "regression" and len(lost)):
            lacks = f"class {_class_name(dataset, task, lost[0])}" if len(training) else "value"
            raise ValueError(
                f"The training part has no {lacks} of the target {name!r}. Split otherwise (--split, "
                "--seed), or leave the target out."
            )
    needed = 2 if task == "binary" else 1
    if not any(len(values) >= needed for values in validation):
        wanted = "both classes" if task == "binary" else "a value"
        raise ValueError(
            f"No target has {wanted} in the validation part, so no epoch can be "
            "chosen. Split otherwise (--split, --seed), or add samples."
        )


def _values(column):
    return np.unique(column[~np.isnan(column)])


def _class_name(dataset, task, value):
    return dataset.classes[int(value)] if task == "classification" else f"{value:g}"
