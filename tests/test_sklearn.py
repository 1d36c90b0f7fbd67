"""scikit-learn's contract, on SMILES."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_checks

from dgl_memgnn import weights
from dgl_memgnn.cli import main
from dgl_memgnn.sklearn import MemGNNClassifier, MemGNNRegressor

SMALL = {
    "hidden_feats": 8,
    "num_layers": 1,
    "num_keys": (2, 1),
    "num_heads": 1,
    "epochs": 2,
    "clustering_period": 0,
    "random_state": 0,
}
NAMES = ["regressor", "classifier"]


@pytest.fixture(scope="module")
def table(data_dir):
    return pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(50)


@pytest.fixture(scope="module")
def posed(table):
    """Molecules, and targets of each estimator."""
    potency = table["y [pEC50/pKi]"]
    return table["smiles"], {
        "regressor": potency,
        "classifier": pd.Series(np.where(potency > potency.median(), "high", "low")),
    }


@pytest.fixture(scope="module")
def fitted(posed):
    smiles, targets = posed
    models = {"regressor": MemGNNRegressor(**SMALL), "classifier": MemGNNClassifier(**SMALL)}
    return {name: model.fit(smiles, targets[name]) for name, model in models.items()}


@pytest.mark.parametrize("name", NAMES)
def test_lists_arrays_series_and_columns_are_the_same_molecules(name, fitted, posed):
    smiles, _ = posed
    forms = [smiles, smiles.tolist(), smiles.to_numpy(), smiles.to_frame(), np.array(smiles.tolist())[:, None]]
    predictions = [fitted[name].predict(form) for form in forms]
    assert all(np.array_equal(prediction, predictions[0]) for prediction in predictions)
    assert predictions[0].shape == (50,)


def test_it_starts_from_weights_unless_sizes_are_others(posed, fitted, tmp_path):
    smiles, targets = posed
    still = {"epochs": 1, "learning_rate": 1e-8, "weight_average": 0.0, "clustering_period": 0, "random_state": 0}
    (content,) = MemGNNRegressor(**still).fit(smiles[:8], targets["regressor"][:8])._contents
    expected = weights.load_weights("molecules").state
    keys = "readout.layers.0.keys"
    torch.testing.assert_close(content["model"][keys], expected[keys])
    assert fitted["regressor"]._contents[0]["config"]["model"]["pretrained"] == "none"
    with pytest.raises(ValueError, match="num_layers is 1"):
        MemGNNRegressor(num_layers=1, pretrained=stored(tmp_path)).fit(smiles[:8], targets["regressor"][:8])


def stored(folder):
    """Weights of the package under another name."""
    shutil.copy(Path(weights.__file__).with_name("molecules.pt"), folder / "weights.pt")
    return str(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_clone_fits_alike_and_a_pickle_predicts_alike(name, fitted, posed):
    smiles, targets = posed
    model = fitted[name]
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(smiles)
    again = copy.fit(smiles, targets[name])
    restored = pickle.loads(pickle.dumps(model))
    for other in (again, restored):
        assert np.array_equal(other.predict(smiles), model.predict(smiles))
        assert np.array_equal(other.transform(smiles), model.transform(smiles))


@pytest.mark.parametrize("name", NAMES)
def test_predictions_do_not_depend_on_what_stands_beside(name, fitted, posed):
    smiles, _ = posed
    values = getattr(fitted[name], "predict_proba", fitted[name].predict)
    alone = np.concatenate([values([text]) for text in smiles[:5]])
    np.testing.assert_allclose(alone, values(smiles)[:5], rtol=1e-4)


def test_classes_and_probabilities(fitted, posed):
    smiles, targets = posed
    model = fitted["classifier"]
    probability = model.predict_proba(smiles)
    assert model.classes_.tolist() == ["high", "low"]
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(model.predict(smiles), model.classes_[probability.argmax(axis=1)])
    assert model.score(smiles, targets["classifier"]) == (model.predict(smiles) == targets["classifier"]).mean()


def test_an_ensemble_predicts_mean_and_deviation(posed):
    smiles, targets = posed
    model = MemGNNRegressor(**SMALL, ensemble_size=2).fit(smiles, targets["regressor"])
    mean, std = model.predict(smiles, return_std=True)
    each = model._outputs(smiles)[:, :, 0]
    np.testing.assert_allclose(mean, (each[0] + each[1]) / 2)
    np.testing.assert_allclose(std, np.abs(each[0] - each[1]) / 2, atol=1e-12)
    assert (std > 0).all()
    with pytest.raises(ValueError, match="Embeddings are those of one network"):
        model.transform(smiles)


def test_a_network_that_expects_its_error(posed):
    smiles, targets = posed
    model = MemGNNRegressor(**SMALL, mean_variance=True).fit(smiles, targets["regressor"])
    mean, std = model.predict(smiles, return_std=True)
    assert mean.shape == std.shape == (50,) and (std > 0).all()
    np.testing.assert_array_equal(model.predict(smiles), mean)
    np.testing.assert_array_equal(model._outputs(smiles)[0], np.stack([mean, std], axis=1))


def test_several_targets_with_missing_ones(posed):
    smiles, targets = posed
    y = np.stack([targets["regressor"], -targets["regressor"]], axis=1)
    y[::3, 1] = np.nan
    expected = MemGNNRegressor(**SMALL).fit(smiles, y).predict(smiles)
    assert expected.shape == (50, 2)
    table = pd.DataFrame(y, columns=["a", "b"]).astype({"b": "Float64"})
    assert table["b"][0] is pd.NA
    for same in (table, table.to_numpy(dtype=object), [[a, None if np.isnan(b) else b] for a, b in y]):
        np.testing.assert_array_equal(MemGNNRegressor(**SMALL).fit(smiles, same).predict(smiles), expected)


def test_scores_leave_missing_targets_out(posed):
    smiles, targets = posed
    y, weights = np.stack([targets["regressor"], -targets["regressor"]], axis=1), np.arange(1.0, 51.0)
    model = MemGNNRegressor(**SMALL).fit(smiles, y)
    for sample_weight in (None, weights):
        whole = RegressorMixin.score(model, smiles, y, sample_weight)
        assert model.score(smiles, y, sample_weight) == pytest.approx(whole)
    y[::3, 1] = np.nan
    prediction, there = model.predict(smiles), ~np.isnan(y[:, 1])
    each = [r2_score(y[:, 0], prediction[:, 0]), r2_score(y[there, 1], prediction[there, 1])]
    assert model.score(smiles, y) == pytest.approx(np.mean(each))
    search = GridSearchCV(MemGNNRegressor(**SMALL), {"dropout": [0.0, 0.5]}, cv=2).fit(smiles, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_weights_reach_the_training(posed):
    smiles, targets = posed
    y = targets["regressor"]
    plain, zero = np.ones(50), np.r_[np.ones(25), np.zeros(25)]
    predictions = {}
    for key, weight, labels in [
        ("none", None, y),
        ("ones", plain, y),
        ("half", zero, y),
        ("half, other labels", zero, np.r_[y[:25], y[25:] + 100]),
    ]:
        model = MemGNNRegressor(**SMALL, validation_fraction=0.0).fit(smiles, labels, sample_weight=weight)
        predictions[key] = model.predict(smiles)
    np.testing.assert_allclose(predictions["ones"], predictions["none"], rtol=1e-5)
    np.testing.assert_allclose(predictions["half, other labels"], predictions["half"], rtol=1e-5)
    assert not np.allclose(predictions["half"], predictions["none"], rtol=1e-3)


def test_embeddings_in_a_table(fitted, posed):
    smiles, _ = posed
    model = clone(fitted["regressor"]).set_output(transform="pandas").fit(smiles, posed[1]["regressor"])
    table = model.transform(smiles)
    assert table.columns.tolist() == [f"memgnnregressor{i}" for i in range(8)]
    assert table.index.equals(smiles.index)
    np.testing.assert_array_equal(table.to_numpy(), fitted["regressor"].transform(smiles))


def test_cross_validation_grid_search_and_pipelines(posed):
    smiles, targets = posed
    scores = cross_val_score(MemGNNClassifier(**SMALL), smiles, targets["classifier"], cv=2, error_score="raise")
    assert scores.shape == (2,) and ((0 <= scores) & (scores <= 1)).all()
    search = GridSearchCV(MemGNNRegressor(**SMALL), {"num_heads": [1, 2]}, cv=2, error_score="raise")
    assert search.fit(smiles, targets["regressor"]).best_params_["num_heads"] in (1, 2)
    strip = FunctionTransformer(lambda column: [text.strip() for text in column])
    pipeline = make_pipeline(strip, MemGNNRegressor(**SMALL), StandardScaler(), Ridge())
    prediction = pipeline.fit(" " + smiles, targets["regressor"]).predict(smiles)
    assert prediction.shape == (50,) and "memgnnregressor__epochs" in pipeline.get_params()


def test_numbers_of_numpy_are_those_of_python(posed):
    smiles, targets = posed
    numpy = {
        "hidden_feats": np.int64(8),
        "num_layers": np.int32(1),
        "num_keys": np.array([2, 1]),
        "epochs": np.uint8(1),
    }
    numpy |= {"dropout": np.float32(0.25), "descriptors": np.bool_(False), "decay": np.str_("cosine")}
    python = {name: value.tolist() for name, value in numpy.items()}
    models = [
        clone(MemGNNRegressor(**{**SMALL, **parameters})).fit(smiles, targets["regressor"])
        for parameters in (numpy, python, {**python, "num_keys": (np.int64(2), np.int64(1))})
    ]
    configs = [model._contents[0]["config"] for model in models]
    assert repr(configs[0]) == repr(configs[1]) == repr(configs[2])
    for model in models:
        assert np.array_equal(model.predict(smiles), models[1].predict(smiles))
    grid = {"num_layers": np.arange(1, 3), "dropout": np.linspace(0, 0.2, 1), "num_keys": [np.array([2, 1])]}
    search = GridSearchCV(MemGNNRegressor(**SMALL), grid, cv=2, error_score="raise")
    assert search.fit(smiles, targets["regressor"]).best_params_["num_layers"] in (1, 2)


def test_default_sizes_give_way_to_those_of_weights_of_ones_own(table, tmp_path):
    table.to_csv(tmp_path / "m.csv", index=False)
    options = "--split random --hidden-feats 8 --num-layers 1 --num-keys 4,1 --num-heads 1 --epochs 1".split()
    run = str(tmp_path / "run")
    assert main(["train", "--csv", str(tmp_path / "m.csv"), "--tasks", "y", *options, "--out", run]) == 0
    (content,) = MemGNNRegressor(pretrained=run, epochs=1).fit(table["smiles"], table["y"])._contents
    sizes = content["config"]["model"]
    assert (sizes["hidden_feats"], sizes["num_keys"], sizes["pretrained"]) == (8, [4, 1], run)
    with pytest.raises(ValueError, match=r"num_keys is \[2, 1\]"):
        MemGNNRegressor(pretrained=run, num_keys=(2, 1)).fit(table["smiles"], table["y"])


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda x, y: (["CCO", "C1CC", ""] + x[3:], y),
            r"2 of 50 rows cannot be learned from \(row 1: invalid SMILES",
        ),
        (lambda x, y: ("CCO", y), "X must be a sequence of SMILES, not the single string"),
        (lambda x, y: (np.zeros((50, 3)), y), "one a molecule, got an array of shape"),
        (lambda x, y: ([1.5] * 50, y), "50 for not a string"),
        (lambda x, y: (x[:49], y), "y has 50 rows for 49 SMILES"),
        (lambda x, y: ([], y[:0]), "0 SMILES"),
        (lambda x, y: (x, [1.0] * 50), "wherever it is given: there is nothing to learn"),
        (lambda x, y: (x, pd.date_range("2024-01-01", periods=50)), "y holds dates or durations, not numbers"),
        (lambda x, y: (x, [np.inf] + y[1:]), "A label of row 0 is infinite"),
        (lambda x, y: (x, [*y[:7], "high", *y[8:]]), r"y\[7\] is .*'high'.*, not a number; NaN if it is missing"),
    ],
)
def test_bad_input(change, message, posed):
    smiles, targets = posed
    X, y = change(smiles.tolist(), targets["regressor"].tolist())
    with pytest.raises(ValueError, match=message):
        MemGNNRegressor(**SMALL).fit(X, y)


def test_bad_classes_and_parameters(fitted, posed):
    smiles, targets = posed
    with pytest.raises(ValueError, match="one class only"):
        MemGNNClassifier(**SMALL).fit(smiles, ["a"] * 50)
    for missing in (np.nan, None, pd.NA):
        with pytest.raises(ValueError, match=r"y\[50\] is missing: leave out"):
            MemGNNClassifier(**SMALL).fit([*smiles, "C"], [*"ab" * 25, missing])
    with pytest.raises(
        ValueError, match=r"2 classes leave a part of 1: .* hold none out \(validation_fraction=0\)"
    ):
        MemGNNClassifier(**SMALL).fit(smiles[:10], [*"ab" * 5])
    with pytest.raises(ValueError, match=r"Class c has 1 sample, too few for 2 parts.*\(validation_fraction=0\)"):
        MemGNNClassifier(**SMALL).fit([*smiles, "C"], [*"ab" * 25, "c"])
    with pytest.raises(ValueError, match="continuous"):
        MemGNNClassifier(**SMALL).fit(smiles, targets["regressor"])
    with pytest.raises(ValueError, match="class_weight must be None or 'balanced'"):
        MemGNNClassifier(**SMALL, class_weight="even").fit(smiles, targets["classifier"])
    with pytest.raises(ValueError, match="training.epochs must be at least 1, got 0"):
        MemGNNRegressor(**{**SMALL, "epochs": 0}).fit(smiles, targets["regressor"])
    with pytest.raises(ValueError, match="ensemble_size must be at least 1, got 0"):
        MemGNNRegressor(**SMALL, ensemble_size=0).fit(smiles, targets["regressor"])
    with pytest.raises(ValueError, match="1 of 2 rows are no molecules .row 1: invalid SMILES"):
        fitted["regressor"].predict(["C", "C1CC"])
    with pytest.raises(ValueError, match="ensemble_size=5 or mean_variance=True"):
        fitted["regressor"].predict(["C"], return_std=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_fails_changes_nothing(name, fitted, posed):
    smiles, targets = posed
    model, new = pickle.loads(pickle.dumps(fitted[name])), clone(fitted[name])
    for each in (model, new):
        with pytest.raises(ValueError, match="there is nothing to learn|Class a has 1 sample"):
            each.fit(smiles[:3], np.ones((3, 2)) if name == "regressor" else ["a", "b", "b"])
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(smiles), fitted[name].predict(smiles))
    with pytest.raises(NotFittedError):
        new.predict(smiles)


@pytest.mark.parametrize("kind", ["regression", "regression-mve", "binary", "classes"])
def test_from_a_run(kind, table, tmp_path):
    high = (table["cliff_mol"] == 1).astype(int)
    target = {
        "regression": table["y"],
        "regression-mve": table["y"],
        "binary": high,
        "classes": high.map({0: "no", 1: "yes"}),
    }[kind]
    table.assign(target=target).to_csv(tmp_path / "m.csv", index=False)
    options = ["--epochs", "2", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1"]
    options += [
        "--split",
        "random" if kind.startswith("regression") else "stratified",
        "--out",
        str(tmp_path / "run"),
    ]
    options += ["--class-balance"] * (kind == "binary")
    assert (
        main(["train", "--csv", str(tmp_path / "m.csv"), "--tasks", "target", "--task-type", kind, *options]) == 0
    )
    own, other = (MemGNNRegressor, MemGNNClassifier)[:: 1 if kind.startswith("regression") else -1]
    model = pickle.loads(pickle.dumps(own.from_run(tmp_path / "run")))
    assert model.hidden_feats == 8 and model.get_params()["epochs"] == 2
    assert model.get_params().get("class_weight") == ("balanced" if kind == "binary" else None)
    held_out = pd.read_csv(tmp_path / "run" / "predictions.csv")
    if kind == "classes":
        found, expected = model.predict_proba(held_out["smiles"])[:, 1], held_out["target_yes"]
    else:
        found = (
            model.predict_proba(held_out["smiles"])[:, 1]
            if kind == "binary"
            else model.predict(held_out["smiles"])
        )
        expected = held_out["prediction"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert clone(model).fit(table["smiles"], target).predict(table["smiles"]).shape == (50,)
    with pytest.raises(ValueError, match=f"which {other.__name__} is not for"):
        other.from_run(tmp_path / "run")


class OfNumbers:
    """Takes rows of numbers for molecules, so that scikit-learn's checks can be run."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = True, False, False
        return tags

    def _fit(self, X, labels, *arguments):
        return super()._fit(_as_smiles(X), labels, *arguments)

    def _outputs(self, X):
        return super()._outputs(_as_smiles(X))

    def transform(self, X):
        return super().transform(_as_smiles(X))


def _as_smiles(X):
    rows = np.abs(np.asarray(X, dtype=float) * 10).round().astype(int)
    return ["C" * (1 + row.sum() % 9) + "(" + "N" * (1 + row[0] % 5) + ")" + "OSFN"[row[-1] % 4] for row in rows]


class Regressor(OfNumbers, MemGNNRegressor):
    pass


class Classifier(OfNumbers, MemGNNClassifier):
    pass


CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_estimators_unfitted",
    "check_dict_unchanged",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_get_params_invariance",
    "check_methods_subset_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_sample_weights_list",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_set_params",
    "check_valid_tag_types",
]
"""Those of scikit-learn's checks that apply. The others are not run, since

- they feed numbers and expect an error or a result that molecules cannot have: NaN, infinite, sparse, complex,
  empty, three-dimensional or one-column input, names and number of features (``n_features_in_``);
- ``check_methods_sample_order_invariance`` compares to 1e-7, and networks are of 32 bits;
  ``test_predictions_do_not_depend_on_what_stands_beside`` compares to 1e-4;
- they ask for accuracy on clouds of points (``check_classifiers_train``, ``check_regressors_train``);
- they ask that rows of weight 0 leave no trace (``check_sample_weight_equivalence_on_dense_data``), and batch
  normalisation counts them, see ``docs/guide/own_data.rst``.
"""


@pytest.mark.parametrize("estimator", [Regressor, Classifier])
@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn(estimator, name):
    check = getattr(estimator_checks, name, None)
    if check is None:
        pytest.skip(f"this version of scikit-learn has no {name}")
    check(estimator.__name__, estimator(**{**SMALL, "epochs": 1, "validation_fraction": 0.0}))
