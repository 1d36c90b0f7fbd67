"""Index arrays that part a data set. All are int64 and sorted; no sample is lost or listed twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from dgl.data.utils import split_dataset

from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.smiles import Limits, MoleculeError, canonical_smiles, parse_smiles

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_FEW_SCAFFOLDS = "there are too few scaffolds; use a random split (--split random)"


def random_split(
    num_samples: int, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part samples at random, as :func:`dgl.data.utils.split_dataset` does.

    Parameters
    ----------
    num_samples : int
    fractions : (float, float, float)
        Shares of training, validation and test; the last that is not 0 gets what rounding leaves.
        Default: ``(0.8, 0.1, 0.1)``.
    seed : int
        Default: 0.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Sorted indices for training, validation and test.

    Raises
    ------
    ValueError
        If the fractions are negative, do not sum to 1, have no training part, or leave a part empty that is not 0.

    Examples
    --------
    >>> [len(part) for part in random_split(1128)]
    [902, 112, 114]
    >>> [len(part) for part in random_split(1128, (0.9, 0.1, 0))]
    [1015, 113, 0]
    """
    fractions = _check_fractions(fractions)
    wanted = [share for share in fractions if share > 0]
    subsets = iter(split_dataset(range(num_samples), wanted, shuffle=True, random_state=seed))
    parts = [next(subsets).indices if share > 0 else [] for share in fractions]
    return _check_parts(parts, num_samples, fractions)


def stratified_split(
    labels: Any, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part samples at random so that each part has the class proportions of the whole set.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Class of each sample.
    fractions : (float, float, float)
        Shares of training, validation and test. Default: ``(0.8, 0.1, 0.1)``.
    seed : int
        Default: 0.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Sorted indices for training, validation and test.

    Raises
    ------
    ValueError
        If the fractions are negative, do not sum to 1, or have no training part; if a part that is not 0 has fewer
        samples than there are classes, or a class has fewer samples than there are parts.

    Examples
    --------
    >>> labels = [0] * 80 + [1] * 20
    >>> [sum(labels[i] for i in part) for part in stratified_split(labels)]
    [16, 2, 2]
    """
    from sklearn.model_selection import train_test_split

    fractions, labels = _check_fractions(fractions), np.asarray(labels)
    check_stratifiable(labels, sum(share > 0 for share in fractions), "parts")
    classes = np.unique(labels)
    rest, parts = np.arange(len(labels)), [np.empty(0, np.int64)] * 3
    for i in (2, 1):
        size = round(len(labels) * fractions[i])
        if fractions[i] > 0:
            if size < len(classes):
                raise ValueError(
                    f"{len(labels)} samples of {len(classes)} classes leave a part of {size}: use other fractions "
                    "or more samples."
                )
            rest, parts[i] = train_test_split(rest, test_size=size, random_state=seed, stratify=labels[rest])
    parts[0] = rest
    return _check_parts(parts, len(labels), fractions)


def scaffold_split(
    smiles: Sequence[str],
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    like_dgllife: bool = False,
    limits: Limits = Limits(),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part molecules so that those with the same Bemis-Murcko scaffold stay together.

    The largest groups go to the training part first, so that the rarest scaffolds are tested. The split is
    deterministic: it is that of dgllife's ``ScaffoldSplitter`` on the molecules without stereochemistry, isotopes
    and atom maps, which dgllife takes for scaffolds of their own.

    Parameters
    ----------
    smiles : sequence of str
    fractions : (float, float, float)
        Shares of training, validation and test; the first two are upper bounds. A part of 0 stays empty.
        Default: ``(0.8, 0.1, 0.1)``.
    like_dgllife : bool, optional
        Whether scaffolds are told apart as dgllife does, for comparison with what is published for its splits.
        Default: ``False``.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Sorted indices for training, validation and test.

    Raises
    ------
    ValueError
        If a molecule has no scaffold because it is invalid, or if the fractions are negative, do not sum to 1,
        have no training part, or leave a part empty that is not 0.

    Examples
    --------
    >>> scaffold_split(["c1ccccc1C", "C1CC1", "c1ccccc1O", "C1CCC1"], (0.5, 0.25, 0.25))
    (array([0, 2]), array([3]), array([1]))
    """
    from dgllife.utils import ScaffoldSplitter
    from rdkit.rdBase import BlockLogs

    fractions = _check_fractions(fractions)
    molecules = _Molecules(smiles, not like_dgllife, limits)
    with BlockLogs():
        subsets = ScaffoldSplitter.train_val_test_split(
            molecules,
            molecules,
            frac_train=fractions[0],
            frac_val=fractions[1],
            frac_test=fractions[2],
            log_every_n=None,
        )
    train, validation, test = (np.asarray(subset.indices, dtype=np.int64) for subset in subsets)
    if fractions[2] == 0:  # what the cutoffs leave is for a part that is wanted
        validation, test = np.concatenate([validation, test]), test[:0]
    if fractions[1] == 0:
        test, validation = np.concatenate([validation, test]), validation[:0]
    if fractions[1] == fractions[2] == 0:
        train, test = np.concatenate([train, test]), test[:0]
    return _check_parts([train, validation, test], len(molecules), fractions, _FEW_SCAFFOLDS)


def draw_scaffolds(
    smiles: Sequence[str],
    size: int,
    seed: int = 0,
    like_dgllife: bool = False,
    limits: Limits = Limits(),
) -> tuple[np.ndarray, np.ndarray]:
    """Draw molecules at random, those with the same Bemis-Murcko scaffold together.

    Groups of one scaffold are taken in random order, each that still fits into the size; if none does, one of the
    smallest.

    Parameters
    ----------
    smiles : sequence of str
    size : int
        Number of molecules to draw, at most.
    seed : int
        Default: 0.
    like_dgllife, limits : optional
        As in :func:`scaffold_split`, which tells scaffolds apart in the same way.

    Returns
    -------
    (ndarray, ndarray)
        Sorted indices of the others, and of those that are drawn.

    Raises
    ------
    ValueError
        If a molecule has no scaffold because it is invalid, or all have the same.

    Examples
    --------
    >>> draw_scaffolds(["c1ccccc1C", "C1CC1", "c1ccccc1O", "C1CCC1"], 2)
    (array([0, 2]), array([1, 3]))
    """
    from dgllife.utils import ScaffoldSplitter
    from rdkit.rdBase import BlockLogs

    molecules = _Molecules(smiles, not like_dgllife, limits)
    with BlockLogs():
        groups = ScaffoldSplitter.get_ordered_scaffold_sets(molecules, None, "decompose")
    size = max(size, min(map(len, groups), default=0))
    rest: list[int] = []
    drawn: list[int] = []
    for i in np.random.RandomState(seed).permutation(len(groups)):
        part = drawn if len(drawn) + len(groups[i]) <= size else rest
        part.extend(groups[i])
    rest_part, drawn_part, _ = _check_parts([rest, drawn, []], len(molecules), (1, 1, 0), _FEW_SCAFFOLDS)
    return rest_part, drawn_part


def stratified_folds(labels: Any, num_folds: int = 10, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds for cross-validation with the class proportions of the whole set.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Class of each sample.
    num_folds : int
        Default: 10.
    seed : int
        Default: 0.

    Returns
    -------
    list of (ndarray, ndarray)
        Sorted indices for training and validation of each fold; every sample is validated once.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a class has fewer samples than there are folds.

    Examples
    --------
    >>> folds = stratified_folds([0, 0, 1, 1], num_folds=2)
    >>> sorted(index for _, validation in folds for index in validation.tolist())
    [0, 1, 2, 3]
    """
    from sklearn.model_selection import StratifiedKFold

    labels = np.asarray(labels)
    check_stratifiable(labels, num_folds, "folds")
    folds = StratifiedKFold(num_folds, shuffle=True, random_state=seed).split(labels, labels)
    return [(_sorted(train), _sorted(validation)) for train, validation in folds]


def check_stratifiable(labels: Any, number: int, what: str, name: Callable[[Any], str] = str) -> None:
    """Refuse to share a class among more parts or folds than it has samples.

    Parameters
    ----------
    labels : array-like of shape (n,)
        Class of each sample.
    number : int
        Number of parts or folds.
    what : str
        ``"parts"`` or ``"folds"``.
    name : callable, optional
        What a label is called. Default: as it is.

    Raises
    ------
    ValueError
        Naming the rarest class.
    """
    classes, counts = np.unique(np.asarray(labels), return_counts=True)
    if len(classes) and counts.min() < number:
        samples = "1 sample" if counts.min() == 1 else f"{counts.min()} samples"
        raise ValueError(
            f"Class {name(classes[counts.argmin()])} has {samples}, too few for {number} {what}: use fewer "
            f"{what}, leave the class out, or split otherwise."
        )


def fair_splits(
    name: str, data_dir: str | os.PathLike[str] | None = None
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The ten outer folds of the fair comparison of Errica et al. (ICLR 2020) for a TU data set.

    Parameters
    ----------
    name : str
        Name of the data set, such as ``"DD"``.
    data_dir : str or Path, optional
        Data folder with ``splits/<name>_splits.json``. Default: the environment variable
        ``DGL_MEMGNN_DATA``.

    Returns
    -------
    list of (ndarray, ndarray, ndarray)
        Sorted indices for training, validation and test of each outer fold; every graph is tested once.

    Raises
    ------
    FileNotFoundError
        If the file is not in the data folder.
    ValueError
        If the file does not hold such folds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> data_dir = pathlib.Path(tempfile.mkdtemp())
    >>> (data_dir / "splits").mkdir()
    >>> fold = '{"test": [%d], "model_selection": [{"train": [%d], "validation": [%d]}]}'
    >>> text = ", ".join(fold % (i, (i + 1) % 3, (i + 2) % 3) for i in range(3))
    >>> _ = (data_dir / "splits" / "TINY_splits.json").write_text(f"[{text}]")
    >>> fair_splits("TINY", data_dir)[0]
    (array([1]), array([2]), array([0]))
    """
    path = find_file([f"splits/{name}_splits.json"], data_dir)
    try:
        folds = [
            (fold["model_selection"][0]["train"], fold["model_selection"][0]["validation"], fold["test"])
            for fold in json.loads(path.read_text(encoding="utf-8"))
        ]
        tested = np.concatenate([test for _, _, test in folds])
        _check_parts([tested, [], []], len(tested), (1, 0, 0))
        return [_check_parts(fold, len(tested)) for fold in folds]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold outer folds that test every graph once "
            f"({type(error).__name__}: {error}): copy or download it again."
        ) from error


class _Molecules:
    """Molecules parsed one at a time: hundreds of thousands at once would fill the memory."""

    def __init__(self, smiles: Sequence[str], plain: bool, limits: Limits) -> None:
        self.smiles, self.plain, self.limits = list(smiles), plain, limits

    def __len__(self) -> int:
        return len(self.smiles)

    def __iter__(self) -> Iterator[Mol]:
        return (self._molecule(index, smiles) for index, smiles in enumerate(self.smiles))

    def _molecule(self, index: int, smiles: str) -> Mol:
        from rdkit.Chem import MolFromSmiles

        try:
            molecule = parse_smiles(smiles, self.limits)
        except MoleculeError as error:
            raise ValueError(f"Molecule {index} has no scaffold ({error}): drop it before splitting.") from error
        plain = MolFromSmiles(canonical_smiles(molecule, isomeric=False)) if self.plain else None
        return molecule if plain is None else plain


def _check_fractions(fractions: Sequence[float]) -> list[float]:
    shares = np.asarray(fractions, dtype=float)
    if shares.shape != (3,) or not (shares >= 0).all() or not shares[0] > 0 or not np.isclose(shares.sum(), 1):
        raise ValueError(
            "fractions must be three numbers that sum to 1, none negative and the first not 0, "
            f"not {shares.tolist()}."
        )
    return shares.tolist()


def _check_parts(
    parts: Sequence[Any],
    num_samples: int,
    fractions: Sequence[float] = (1, 1, 1),
    remedy: str = "use other fractions (--split-sizes) or more samples",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parts as sorted arrays, if none is empty but those of fraction 0, and together they are all samples."""
    sizes = [len(part) for part in parts]
    if not all(size for size, share in zip(sizes, fractions) if share > 0):
        raise ValueError(f"{num_samples} samples in parts of {sizes} leave a part empty: {remedy}.")
    missing = np.setdiff1d(np.arange(num_samples), np.concatenate(parts))
    if len(missing) or sum(sizes) != num_samples:
        raise ValueError(
            f"Parts of {sizes} do not hold each of {num_samples} samples once; "
            f"first ones missing: {missing[:5].tolist()}."
        )
    train, validation, test = map(_sorted, parts)
    return train, validation, test


def _sorted(indices: Any) -> np.ndarray:
    return np.sort(np.asarray(indices, dtype=np.int64))
