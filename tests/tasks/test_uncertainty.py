"""Means with variances, conformal intervals, calibrated probabilities: against others and closed forms."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import distributions as d
from torch import nn

from dgl_memgnn.tasks import BinaryTasks, Classes, MeanVariance, Regression, conformal_quantile, score_intervals
from dgl_memgnn.tasks.calibration import expected_calibration_error, temperature

NAN = float("nan")
ENDS = 1e-7, 1 - 1e-7
LABEL = torch.tensor([[1.0, 20.0], [3.0, NAN], [8.0, 40.0], [NAN, 90.0]], dtype=torch.float64)


def test_the_loss_is_the_gaussian_likelihood():
    task, output = MeanVariance("ab").fit(LABEL), torch.randn(4, 4, dtype=torch.float64)
    scaled = (LABEL - task.mean) / task.std
    variance = nn.functional.softplus(output[:, 2:]) + 1e-6
    present = ~LABEL.isnan()
    expected = nn.GaussianNLLLoss(full=True)(output[:, :2][present], scaled[present], variance[present])
    torch.testing.assert_close(task(output, LABEL), expected)
    mean, std = task.predict(output).chunk(2, dim=1)
    score = task.score(task.predict(output), LABEL)
    assert score["nll"] == pytest.approx(-d.Normal(mean, std).log_prob(LABEL.nan_to_num())[present].mean().item())
    assert score["rmse"] == pytest.approx(Regression("ab").score(mean, LABEL)["rmse"])


def test_several_gaussians_have_the_moments_of_their_mixture():
    task, predictions = MeanVariance("a"), torch.rand(5, 3, 2).double()
    mixture = d.MixtureSameFamily(
        d.Categorical(torch.ones(3, 5)), d.Normal(predictions[..., 0].T, predictions[..., 1].T)
    )
    prediction, spread = task.combine(predictions)
    torch.testing.assert_close(prediction, torch.stack([mixture.mean, mixture.variance.sqrt()], dim=1))
    assert spread is None
    assert list(task.columns(prediction.numpy())) == ["a", "a_std"]


def test_a_variance_is_learned_where_targets_scatter():
    torch.manual_seed(0)
    x = torch.rand(2000, 1)
    y = x + torch.randn(2000, 1) * (0.1 + x)
    task = MeanVariance().fit(y)
    network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.03)
    for _ in range(300):
        optimizer.zero_grad()
        task(network(x), y).backward()
        optimizer.step()
    ends = task.predict(network(torch.tensor([[0.1], [0.9]])))
    torch.testing.assert_close(ends[:, 1], torch.tensor([0.2, 1.0], dtype=torch.float64), rtol=0.2, atol=0)


@pytest.mark.parametrize("n, level", [(9, 0.9), (19, 0.9), (100, 0.5), (37, 0.8)])
def test_conformal_intervals_cover_as_they_promise(n, level):
    random = np.random.default_rng(0)
    scores = random.standard_normal((4000, n + 1))  # the last is of a molecule to predict
    quantiles = np.array([conformal_quantile(row[:-1], level) for row in scores])
    rank = np.ceil((n + 1) * level) / n
    assert np.array_equal(quantiles, np.quantile(scores[:, :-1], rank, axis=1, method="inverted_cdf"))
    covered = (scores[:, -1] <= quantiles).mean()
    assert level - 0.02 < covered < level + 1 / (n + 1) + 0.02


def test_too_few_molecules_make_no_interval():
    assert conformal_quantile(np.arange(8.0), 0.9) == np.inf and conformal_quantile(np.arange(9.0), 0.9) == 8
    assert score_intervals(np.arange(8.0), np.ones(5), np.ones(5))["coverage"] is None
    assert score_intervals(np.arange(50.0), np.full(5, NAN), np.ones(5))["coverage"] is None


def test_scores_of_intervals_against_loops():
    random = np.random.default_rng(1)
    fitted, error, scale = random.random(80), random.random(60) * 2, random.random(60) + 0.5
    error[::7] = NAN
    found = score_intervals(fitted, error, scale)
    present = [(e, s) for e, s in zip(error, scale) if e == e]
    levels = np.arange(1, 20) / 20
    shares = [np.mean([e / s <= conformal_quantile(fitted, level) for e, s in present]) for level in levels]
    reach = conformal_quantile(fitted, 0.9)
    assert found["coverage"] == np.mean([e <= reach * s for e, s in present])
    assert found["sharpness"] == pytest.approx(2 * reach * np.mean([s for _, s in present]))
    assert found["calibration_error"] == pytest.approx(np.mean(np.abs(shares - levels)))


def test_gaussian_intervals_are_as_wide_as_the_network_expects():
    task = MeanVariance("a")
    known = torch.tensor([[0.0, 1.0], [0.0, 2.0]]).repeat(10, 1)
    label = torch.linspace(-1, 1, 20)[:, None]
    held_out = torch.tensor([[0.0, 4.0]])
    scored = task.score_uncertainty((known, label), (held_out, torch.zeros(1, 1)))["a"]
    quantile = conformal_quantile((label[:, 0].abs() / known[:, 1]).numpy(), 0.9)
    assert scored["sharpness"] == pytest.approx(8 * quantile) and scored["coverage"] == 1


def sure(label, random):
    """Probabilities of class 1 that say too much."""
    return 1 / (1 + np.exp(-4 * (1.5 * (label - 0.5) + random.standard_normal(label.shape))))


def test_binary_probabilities_are_calibrated_target_by_target():
    random = np.random.default_rng(0)
    label = (random.random((2, 4000, 2)) < [0.5, 0.1]).astype(float)
    prediction = sure(label, random)
    label[:, ::5, 1] = NAN
    task = BinaryTasks("ab")
    known, held_out = ((torch.from_numpy(p), torch.from_numpy(y)) for p, y in zip(prediction, label))
    calibrated = task.calibrated(*(part.numpy() for part in known), prediction[1])
    present = ~np.isnan(label[0, :, 1])
    expected = platt_by_weights(prediction[0, present, 1], label[0, present, 1], prediction[1, :, 1])
    np.testing.assert_allclose(calibrated[:, 1], expected, atol=1e-5)
    for scores in task.score_uncertainty(known, held_out).values():
        assert scores["calibration_error_calibrated"] < 0.03 < scores["calibration_error"]
        assert scores["log_loss_calibrated"] < scores["log_loss"]


def platt_by_weights(known, label, prediction):
    """Each molecule stands there once for each class, weighted by its smoothed label."""
    known, logit = (np.log(p / (1 - p))[:, None] for p in (known.clip(*ENDS), prediction.clip(*ENDS)))
    positive = (label.sum() + 1) / (label.sum() + 2)
    negative = 1 / ((1 - label).sum() + 2)
    target = np.where(label == 1, positive, negative)
    rows, classes = np.concatenate([known, known]), np.repeat([1, 0], len(label))
    fit = LogisticRegression(C=1e12, tol=1e-10).fit(rows, classes, np.concatenate([target, 1 - target]))
    return fit.predict_proba(logit)[:, 1]


@pytest.mark.parametrize("count", [20, 4000])
def test_the_scale_of_logits_does_not_matter_to_calibration(count):
    random = np.random.default_rng(0)
    label = np.arange(count) % 2.0
    prediction = sure(label, random).clip(*ENDS)
    expected = platt_by_weights(prediction, label, prediction)
    for scale, shift in [(1, 0), (0.03, 0), (1e-4, -2)]:
        logit = scale * np.log(prediction / (1 - prediction)) + shift
        columns = 1 / (1 + np.exp(-logit[:, None]))
        calibrated = BinaryTasks("a").calibrated(columns, label[:, None], columns)
        np.testing.assert_allclose(calibrated[:, 0], expected, atol=1e-5)


def test_separated_classes_get_the_smoothed_labels():
    label = np.array([0.0, 0.0, 0.0, 1.0, 1.0])[:, None]
    prediction = np.where(label == 1, 0.6, 0.1)
    expected = np.where(label == 1, 3 / 4, 1 / 5)
    np.testing.assert_allclose(BinaryTasks("a").calibrated(prediction, label, prediction), expected, atol=1e-6)


def test_a_wrong_ranking_is_not_turned_over():
    label = np.array([0.0, 0.0, 1.0, 1.0])[:, None]
    for prediction in ([[0.9], [0.8], [0.2], [0.1]], [[0.3]] * 4):
        calibrated = BinaryTasks("a").calibrated(np.array(prediction), label, np.array([[0.0], [0.7], [1.0]]))
        np.testing.assert_allclose(calibrated, 0.5)


def test_classes_stay_where_one_alone_is_known():
    known, label = np.array([[0.6, 0.4], [0.9, 0.1]]), np.array([0, 0])
    prediction, task = np.array([[0.3, 0.7]]), Classes(["a", "b"], "kind")
    with pytest.warns(UserWarning, match="Probabilities of 'kind' are not calibrated, since .* --validation-seed"):
        np.testing.assert_array_equal(task.calibrated(known, label, prediction), prediction)
    parts = [(torch.from_numpy(p), torch.from_numpy(y)) for p, y in ((known, label), (prediction, np.array([1])))]
    scores = task.score_uncertainty(*parts)["kind"]
    assert scores["log_loss"] == pytest.approx(-np.log(0.7)) and scores["log_loss_calibrated"] is None


def test_a_target_of_one_class_has_no_calibration():
    known, label = np.array([[0.2, 0.3], [0.7, 0.9]]), np.array([[0.0, 1.0], [1.0, 1.0]])
    with pytest.warns(UserWarning, match="Probabilities of 'b' are not calibrated, since .* --validation-seed"):
        calibrated = BinaryTasks("ab").calibrated(known, label, known)
    assert (calibrated[:, 0] != known[:, 0]).all() and (calibrated[:, 1] == known[:, 1]).all()
    pair = (torch.from_numpy(known), torch.from_numpy(label))
    scores = BinaryTasks("ab").score_uncertainty(pair, pair)
    assert scores["b"]["log_loss"] is not None and scores["b"]["log_loss_calibrated"] is None
    assert scores["a"]["calibration_error_calibrated"] is not None


def test_probabilities_of_classes_are_cooled_to_the_likeliest_temperature():
    random = np.random.default_rng(0)
    label = random.integers(3, size=3000)
    logits = 3 * (np.eye(3)[label] + random.standard_normal((3000, 3)))
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = temperature(probability, label)

    def loss(value):
        cooled = probability ** (1 / value)
        return log_loss(label, cooled / cooled.sum(axis=1, keepdims=True))

    assert loss(found) <= min(loss(value) for value in np.linspace(0.5, 8, 200)) + 1e-6 and found > 2
    task = Classes("xyz")
    tensors = torch.from_numpy(probability), torch.from_numpy(label)
    (scores,) = task.score_uncertainty(tensors, tensors).values()
    assert scores["log_loss"] == pytest.approx(log_loss(label, probability), rel=1e-3)
    assert scores["calibration_error_calibrated"] < scores["calibration_error"] / 2


def test_expected_calibration_error_against_a_loop():
    random = np.random.default_rng(0)
    confidence, right = random.random(500), random.integers(2, size=500)
    expected = 0.0
    for low in range(10):
        own = [i for i in range(500) if low / 10 <= confidence[i] < (low + 1) / 10]
        if own:
            gap = sum(confidence[i] for i in own) / len(own) - sum(right[i] for i in own) / len(own)
            expected += len(own) / 500 * abs(gap)
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_what_a_task_does_not_have_is_refused():
    with pytest.raises(ValueError, match="Intervals are for regression, not for classification of 'a'"):
        BinaryTasks("a").centre_and_scale(torch.rand(3, 1))
    with pytest.raises(ValueError, match="no probabilities in regression of 'a' to calibrate: see --interval"):
        Regression("a").calibrated(np.ones((3, 1)), np.ones((3, 1)), np.ones((3, 1)))
