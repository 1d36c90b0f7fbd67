"""Descriptors on a common scale."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from dgl_memgnn.nn import DescriptorNorm

NAN = float("nan")


def test_it_is_sklearns_standardisation_of_signed_logarithms():
    train, new = (torch.randn(50, 6) * torch.logspace(-3, 6, 6) for _ in range(2))
    train[::3, 2] = NAN
    norm = DescriptorNorm(6)
    norm.fit(train)
    squashed, other = (np.sign(x) * np.log1p(np.abs(x)) for x in (train.double().numpy(), new.double().numpy()))
    expected = StandardScaler().fit(squashed).transform(other).clip(-5, 5)  # ignores NaN when it fits
    torch.testing.assert_close(norm(new), torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-4)


def test_missing_constant_and_extreme_descriptors():
    norm = DescriptorNorm(4)
    norm.fit(torch.tensor([[0.0, 7.7, NAN, -1.0], [1.0, 7.7, NAN, 1.0], [0.5, 7.7, NAN, NAN]]))
    found = norm(torch.tensor([[NAN, 8.0, 3.0, 1e30], [1e-30, NAN, NAN, -1e30]]))
    assert found[0].tolist() == [0, 0, 0, 5]
    assert found[1, 1:].tolist() == [0, 0, -5]


def test_it_travels_with_the_state():
    norm, other = DescriptorNorm(2), DescriptorNorm(2)
    norm.fit(torch.randn(9, 2))
    other.load_state_dict(norm.state_dict())
    x = torch.randn(3, 2)
    assert torch.equal(norm(x), other(x)) and not torch.equal(norm(x), x)


def test_plain_descriptors_are_standardised_as_they_are():
    train, new = (torch.randn(50, 3) * 10 + 300 for _ in range(2))
    norm = DescriptorNorm(3, num_plain=1)
    norm.fit(train)
    expected = StandardScaler().fit(train.double().numpy()).transform(new.double().numpy()).clip(-5, 5)
    torch.testing.assert_close(norm(new)[:, 2], torch.from_numpy(expected[:, 2]).float(), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(norm(new)[:, 1], torch.from_numpy(expected[:, 1]).float(), rtol=1e-4, atol=1e-4)


def test_infinite_descriptors_are_missing():
    norm, other = DescriptorNorm(2, num_plain=1), DescriptorNorm(2, num_plain=1)
    infinite = torch.tensor([[1.0, 5.0], [float("inf"), 6.0], [3.0, -float("inf")]])
    missing = infinite.masked_fill(infinite.isinf(), NAN)
    norm.fit(infinite)
    other.fit(missing)
    torch.testing.assert_close(norm(infinite), other(missing))
    assert norm(infinite)[1, 0] == 0 and norm(infinite).abs().sum() > 1


@pytest.mark.parametrize("sizes", [(0, 0), (2, 3), (2, -1)])
def test_numbers_of_descriptors_that_cannot_be(sizes):
    with pytest.raises(ValueError, match="DescriptorNorm takes"):
        DescriptorNorm(*sizes)
