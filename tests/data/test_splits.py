import csv
import json

import dgl.data.utils
import numpy as np
import pytest
import torch
from dgllife.utils import RandomSplitter, ScaffoldSplitter
from hypothesis import given
from hypothesis import strategies as st
from rdkit.Chem import AllChem, MolToSmiles
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from dgl_memgnn.data import draw_scaffolds, fair_splits, random_split, scaffold_split, stratified_folds

SMILES = ["c1ccccc1" + "C" * i for i in range(10)] + ["C1CC1" + "C" * i for i in range(4)] + ["C1CCC1", "CCO"]


def assert_partition(parts, num_samples):
    """Sorted int64 arrays that hold each sample once."""
    assert all(part.dtype == np.int64 and len(part) for part in parts)
    assert all(np.array_equal(part, np.sort(part)) for part in parts)
    assert sorted(index for part in parts for index in part.tolist()) == list(range(num_samples))


@given(st.integers(20, 300), st.integers(0, 2**32 - 1))
def test_random_split_is_a_partition(num_samples, seed):
    parts = random_split(num_samples, seed=seed)
    assert_partition(parts, num_samples)
    assert [len(part) for part in parts[:2]] == [int(0.8 * num_samples), int(0.1 * num_samples)]


def test_random_split_agrees_with_dgllife():
    ours = random_split(1128, (0.5, 0.3, 0.2), seed=3)
    theirs = RandomSplitter.train_val_test_split(range(1128), 0.5, 0.3, 0.2, random_state=3)
    assert [part.tolist() for part in ours] == [sorted(subset.indices) for subset in theirs]


def test_random_split_depends_on_the_seed_alone():
    np.random.seed(0)
    first = random_split(100, seed=1)
    np.random.seed(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, random_split(100, seed=1)))
    assert not np.array_equal(first[0], random_split(100, seed=2)[0])


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (0.0, 0.9, 0.1), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5), 0.8]
)
def test_bad_fractions(fractions):
    with pytest.raises(ValueError, match="three numbers that sum to 1, none negative"):
        random_split(100, fractions)
    with pytest.raises(ValueError, match="three numbers that sum to 1, none negative"):
        scaffold_split(SMILES, fractions)


@pytest.mark.parametrize("num_samples", [0, 1, 9])
def test_random_split_of_too_few(num_samples):
    with pytest.raises(ValueError, match=f"{num_samples} samples .* leave a part empty"):
        random_split(num_samples)


def test_a_splitter_that_loses_a_sample_is_caught(monkeypatch):
    subset = dgl.data.utils.Subset
    monkeypatch.setattr(
        "dgl_memgnn.data.splits.split_dataset",
        lambda *args, **kwargs: [subset(None, [0, 1]), subset(None, [2]), subset(None, [2])],
    )
    with pytest.raises(ValueError, match=r"do not hold each of 4 samples once; .*: \[3\]"):
        random_split(4)


def test_scaffold_split_keeps_scaffolds_together(capfd):
    parts = scaffold_split(SMILES, (0.65, 0.25, 0.1))
    assert_partition(parts, len(SMILES))
    scaffolds = [{MurckoScaffoldSmiles(SMILES[i]) for i in part} for part in parts]
    assert not (scaffolds[0] & scaffolds[1] or scaffolds[0] & scaffolds[2] or scaffolds[1] & scaffolds[2])
    assert capfd.readouterr() == ("", "")


def test_scaffold_split_agrees_with_dgllife():
    class Molecules:
        smiles = SMILES

        def __len__(self):
            return len(SMILES)

    theirs = ScaffoldSplitter.train_val_test_split(Molecules(), frac_train=0.65, frac_val=0.25, frac_test=0.1)
    ours = scaffold_split(SMILES, (0.65, 0.25, 0.1))
    assert [part.tolist() for part in ours] == [sorted(subset.indices) for subset in theirs]


def test_scaffold_split_of_one_scaffold_and_of_bad_molecules():
    with pytest.raises(ValueError, match="leave a part empty"):
        scaffold_split(["c1ccccc1"] * 20)
    with pytest.raises(ValueError, match=r"Molecule 1 has no scaffold \(invalid SMILES: syntax error"):
        scaffold_split(["C", "C1"])


def test_scaffold_that_cannot_be_computed_is_no_silent_loss(monkeypatch):
    original = AllChem.MurckoDecompose

    def fail_on_cyclobutane(molecule):
        if MolToSmiles(molecule) == "C1CCC1":
            raise RuntimeError
        return original(molecule)

    monkeypatch.setattr(AllChem, "MurckoDecompose", fail_on_cyclobutane)
    with pytest.raises(ValueError, match=r"do not hold each of 16 samples once; first ones missing: \[14\]"):
        scaffold_split(SMILES, (0.65, 0.25, 0.1))


@given(st.lists(st.integers(1, 8), min_size=2, max_size=8), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_scaffolds_are_drawn_whole_until_none_fits(sizes, size, seed):
    """A ring of its own size is a scaffold."""
    rings = np.repeat(np.arange(len(sizes)), sizes)
    size = min(size, len(rings) - 1)
    rest, drawn = draw_scaffolds([f"C1{'C' * (ring + 1)}C1" for ring in rings], size, seed)
    assert_partition([rest, drawn], len(rings))
    left, taken = set(rings[rest]), set(rings[drawn])
    assert not left & taken
    if min(sizes) > size:
        assert len(drawn) == min(sizes)
    else:
        assert len(drawn) <= size < len(drawn) + min(sizes[ring] for ring in left)


def test_scaffolds_of_real_molecules_are_drawn_in_the_size_that_is_asked_for(data_dir):
    with open(data_dir / "molnet" / "delaney-processed.csv", newline="") as file:
        smiles = [row["smiles"] for row in csv.DictReader(file)][:400]
    scaffolds = np.array([MurckoScaffoldSmiles(text) for text in smiles])
    draws = [draw_scaffolds(smiles, 40, seed) for seed in range(10)]
    for rest, drawn in draws:
        assert len(drawn) == 40 and not set(scaffolds[rest]) & set(scaffolds[drawn])
    assert len({tuple(drawn) for _, drawn in draws}) == 10
    assert np.array_equal(draw_scaffolds(smiles, 40, 3)[1], draws[3][1])


@pytest.mark.parametrize("like_dgllife", [False, True])
def test_scaffolds_are_drawn_of_the_molecules_that_are_split(like_dgllife):
    """Atom maps, isotopes and stereo marks are no scaffold of their own but to dgllife."""
    cyclohexane = ["C1CCCCC1", "[CH2:4]1CCCCC1", "C1C[13CH2]CCC1"]
    decalin = ["C1CCC2CCCCC2C1", "C1CC[C@H]2CCCC[C@H]2C1", "C1CC[C@H]2CCCC[C@@H]2C1"]
    smiles = [text for pair in zip(cyclohexane, decalin) for text in pair]
    molecules = {frozenset({0, 2, 4}), frozenset({1, 3, 5})}
    draws = {frozenset(draw_scaffolds(smiles, 3, seed, like_dgllife)[1]) for seed in range(10)}
    assert (draws == molecules) != like_dgllife
    train, validation, _ = scaffold_split(smiles, (0.5, 0.5, 0), like_dgllife)
    assert ({frozenset(train), frozenset(validation)} == molecules) != like_dgllife


def test_drawing_of_one_scaffold_is_refused():
    with pytest.raises(ValueError, match=r"leave a part empty: there are too few scaffolds; use a random split"):
        draw_scaffolds(["c1ccccc1"] * 20, 2)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(2, 5), st.integers(0, 100))
def test_stratified_folds(drawn, num_folds, seed):
    labels = np.array(drawn + [0, 1, 2] * num_folds)
    folds = stratified_folds(labels, num_folds, seed)
    assert len(folds) == num_folds
    for train, validation in folds:
        assert_partition((train, validation), len(labels))
        for c in range(3):
            assert abs((labels[validation] == c).sum() - (labels == c).sum() / num_folds) < 1
    assert_partition([validation for _, validation in folds], len(labels))


def test_stratified_folds_of_a_tensor_depend_on_the_seed_alone():
    labels = torch.arange(100) % 4
    first, again, other = (stratified_folds(labels, 5, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again))
    assert not np.array_equal(first[0][1], other[0][1])


@pytest.mark.parametrize(
    "labels, num_folds, message",
    [
        ([0] * 10 + [1] * 3, 5, "Class 1 has 3 samples, too few for 5 folds"),
        ([0, 1], 10, "Class 0 has 1 sample,"),
        ([0, 1], 1, "k-fold"),
        ([], 2, "sample"),
    ],
)
def test_too_few_for_folds(labels, num_folds, message):
    with pytest.raises(ValueError, match=message):
        stratified_folds(labels, num_folds)


@pytest.fixture
def write_splits(tmp_path):
    """Write splits/S_splits.json in the layout of the fair comparison."""
    (tmp_path / "splits").mkdir()

    def write(folds):
        content = [
            {"test": test, "model_selection": [{"train": train, "validation": validation}]}
            for train, validation, test in folds
        ]
        (tmp_path / "splits" / "S_splits.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_fair_splits_by_hand(write_splits):
    folder = write_splits([([3, 2], [4], [1, 0]), ([0, 4], [1], [3, 2]), ([1, 0], [2, 3], [4])])
    folds = fair_splits("S", folder)
    assert [[part.tolist() for part in fold] for fold in folds] == [
        [[2, 3], [4], [0, 1]],
        [[0, 4], [1], [2, 3]],
        [[0, 1], [2, 3], [4]],
    ]
    assert all(part.dtype == np.int64 for fold in folds for part in fold)


@pytest.mark.parametrize(
    "folds",
    [
        [([1], [2], [0]), ([2], [0], [1])],  # 2 is never tested
        [([1], [2], [0]), ([2], [0], [1]), ([0], [1], [1])],  # 1 is tested twice
        [([1], [1], [0]), ([2], [0], [1]), ([0], [1], [2])],  # 2 is lost in the first fold
        [([], [1, 2], [0]), ([2], [0], [1]), ([0], [1], [2])],  # nothing to train on
        [([1.5], [2], [0]), ([2], [0], [1]), ([0], [1], [2])],
        [],
    ],
)
def test_fair_splits_that_are_none(write_splits, folds):
    with pytest.raises(ValueError, match="S_splits.json does not hold outer folds"):
        fair_splits("S", write_splits(folds))


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"test": [0]}]', "[]"])
def test_fair_splits_of_another_file(tmp_path, content):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "S_splits.json").write_text(content)
    with pytest.raises(ValueError, match="S_splits.json does not hold outer folds"):
        fair_splits("S", tmp_path)


def test_fair_splits_without_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="splits/S_splits.json not found"):
        fair_splits("S", tmp_path)


@pytest.mark.parametrize(
    "name, num_graphs",
    [("ENZYMES", 600), ("PROTEINS_full", 1113), ("DD", 1178), ("COLLAB", 5000), ("REDDIT-BINARY", 2000)],
)
def test_real_fair_splits(data_dir, name, num_graphs):
    if not (data_dir / "splits" / f"{name}_splits.json").exists():
        pytest.skip(f"no splits/{name}_splits.json in {data_dir}")
    folds = fair_splits(name, data_dir)
    assert len(folds) == 10
    for fold in folds:
        assert_partition(fold, num_graphs)
    assert_partition([test for _, _, test in folds], num_graphs)
