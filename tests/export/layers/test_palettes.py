"""Palettes: tables and indices of weights, as good as the best ones, the same for equal weights."""

import pytest
import torch

from mvmoe_export.layers.palettes import palettes
from mvmoe_export.targets.coreml.toolkit import cluster

OUTLIERS = torch.where(torch.arange(50_000) % 50 == 0, 30.0, 1.0)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def looked_up(weight, bits, tables=torch.float32):
    """The weight as an engine has it, and its tables."""
    indices, found = palettes(weight, bits, cluster, tables)
    assert indices.dtype == torch.uint8
    assert indices.shape == weight.shape
    assert found.shape == (len(weight), 2**bits)
    assert found.dtype == tables
    return found.gather(1, indices.long()), found


@pytest.mark.parametrize("bits", [4, 6])
@pytest.mark.parametrize(
    "weight", [random(1, 50_000), random(1, 50_000) * OUTLIERS], ids=["normal", "outliers"]
)
def test_a_palette_is_as_good_as_the_best_clusters_of_all_weights(weight, bits):
    values, counts = weight[0].double().unique(return_counts=True)
    best = torch.tensor(cluster(values.tolist(), counts.tolist(), 2**bits), dtype=torch.float64)
    least = (values - best[torch.bucketize(values, (best[1:] + best[:-1]) / 2)]).square().mean()
    given, _ = looked_up(weight, bits)
    assert (given - weight).double().square().mean() <= 1.002 * least


@pytest.mark.parametrize("tables", [torch.float16, torch.float32])
def test_every_weight_is_the_nearest_entry_of_its_own_rounded_table(tables):
    weight = random(3, 4000)
    given, found = looked_up(weight, 4, tables)
    assert (found.diff(dim=1) > 0).all()
    distances = (weight[:, :, None].double() - found[:, None].double()).abs()
    nearest = distances.amin(dim=2)
    torch.testing.assert_close((given.double() - weight).abs(), nearest, rtol=0, atol=0)
    assert not torch.equal(found[0], found[1])


def test_equal_rows_have_equal_palettes_whatever_is_beside_them():
    one, other = random(1, 3000), random(1, 3000, seed=1)
    alone, both = palettes(one, 6, cluster), palettes(torch.cat((other, one)), 6, cluster)
    for mine, theirs in zip(alone, both, strict=True):
        assert torch.equal(mine[0], theirs[1])
    for mine, theirs in zip(alone, palettes(one.clone(), 6, cluster), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("count", [40, 20_000])
def test_few_distinct_values_are_kept_as_they_are(count):
    values = torch.tensor([-2.0, 0.0, 0.5, 7.0])
    weight = values[torch.arange(count) % 4][None]
    given, found = looked_up(weight, 4, torch.float16)
    assert torch.equal(given.float(), weight)
    assert found[0, 3:].eq(7).all()


def test_a_row_of_zeros_stays_zero():
    given, found = looked_up(torch.zeros(2, 5000), 6, torch.float16)
    assert not given.any()
    assert not found.any()
