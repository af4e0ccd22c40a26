"""Outlier channels go from what layers take into weights: the same function, smaller ranges."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.samples import Samples
from mvmoe_export.calibration import record_stages, smoothed
from mvmoe_export.calibration.preparing import CalibrationRequest
from mvmoe_export.calibration.recording import LEAST_IMAGES


def images(model, count=16, seed=0):
    return np.random.default_rng(seed).random((count, *model.input.shape), np.float32)


def with_outliers(model, channels=3, factor=30.0):
    """The same function with channels of each LayerNorm blown up, as trained models have them."""
    changed = copy.deepcopy(model)
    for block in changed.blocks:
        experts = getattr(block.mlp, "experts", None)
        after = [expert.fc1 for expert in experts] if experts else [block.mlp.fc1]
        for norm, layers in ((block.norm1, [block.attn.qkv]), (block.norm2, after)):
            with torch.no_grad():
                norm.weight[:channels] *= factor
                norm.bias[:channels] *= factor
                for layer in layers:
                    layer.weight[:, :channels] /= factor
    return changed


def answers(model, inputs):
    with torch.no_grad():
        return model(torch.from_numpy(inputs))


def spread(model, inputs):
    """The largest over the median size of a channel of what the first layers take."""
    seen = []
    hook = model.blocks[0].norm1.register_forward_hook(lambda *given: seen.append(given[-1]))
    answers(model, inputs)
    hook.remove()
    sizes = seen[0].abs().flatten(0, -2).amax(0)
    return float(sizes.max() / sizes.median())


def test_the_function_stays_and_ranges_shrink(vmoe):
    model = with_outliers(vmoe())
    inputs = images(model)
    found = smoothed(model, record_stages(model, inputs).calls)
    wanted, given = answers(model, inputs), answers(found.model, inputs)
    # Both are fp32; scales are no powers of two.
    torch.testing.assert_close(given, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max()))
    # All but the last, whose reader picks a token first.
    assert found.norms == 2 * len(model.blocks)
    assert spread(model, inputs) > 5 * spread(found.model, inputs)


def test_the_callers_model_is_left_alone(vmoe):
    model = vmoe()
    before = copy.deepcopy(model.state_dict())
    smoothed(model, record_stages(model, images(model)).calls)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_what_experts_share_has_one_scale_for_all(vmoe):
    model = with_outliers(vmoe())
    found = smoothed(model, record_stages(model, images(model)).calls).model
    block, other = model.blocks[-1], found.blocks[-1]
    scales = [
        (new.fc1.weight / old.fc1.weight).nanmedian(dim=0).values
        for old, new in zip(block.mlp.experts, other.mlp.experts, strict=True)
    ]
    for scale in scales[1:]:
        torch.testing.assert_close(scale, scales[0])


class Shared(nn.Module):
    """A norm whose result also goes around its layer."""

    def __init__(self):
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(16), nn.Linear(16, 16)

    def forward(self, x):
        given = self.norm(x)
        return given + self.layer(given)


class TwoReaders(nn.Module):
    """A layer that reads a norm here, and something else there."""

    def __init__(self):
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(16), nn.Linear(16, 16)

    def forward(self, x):
        return self.layer(self.norm(x)) + self.layer(x)


@pytest.mark.parametrize("kind", [Shared, TwoReaders])
def test_a_norm_that_something_else_reads_is_left_alone(zoo, kind):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return kind()

    model = zoo.enliven(Model())
    found = smoothed(model, record_stages(model, images(model)).calls)
    assert found.norms == 0


def test_a_model_that_hides_a_use_of_a_weight_is_refused(zoo):
    class Hidden(nn.Module):
        """Its bias is made of its weight, where nobody looks."""

        def __init__(self):
            super().__init__()
            self.norm, self.layer = nn.LayerNorm(16), nn.Linear(16, 16)

        def forward(self, x):
            factor = float(self.layer.weight.detach().numpy().sum())
            return self.layer(self.norm(x)) * factor

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Hidden()

    model = zoo.enliven(Model())
    with pytest.raises(CheckFailedError) as refused:
        smoothed(model, record_stages(model, images(model)).calls)
    assert "--smooth" in str(refused.value)


def test_a_rare_expert_is_sent_more_images(zoo):
    model = zoo.enliven(zoo.Foreign(experts=4))
    with torch.no_grad():
        model.routers[0].bias[2] = -1e3  # No image takes it by itself.
    run = record_stages(model, images(model, 40))
    (routed,), (forced,) = run.record.routed, run.record.forced
    assert sum(routed) == 40
    assert routed[2] == 0
    assert all(own + sent >= LEAST_IMAGES for own, sent in zip(routed, forced, strict=True))
    rare = [call for call in run.calls if call.route == (2,)]
    assert sum(len(call.inputs[0]) for call in rare) == LEAST_IMAGES


def test_every_route_is_taken_where_each_has_a_graph(zoo):
    model = zoo.enliven(zoo.Foreign(experts=5, k=2))
    run = record_stages(model, images(model, 12))
    taken = {}
    for call in run.calls:
        if call.stage == 1:
            taken[call.route] = taken.get(call.route, 0) + len(call.inputs[0])
    assert set(taken) == set(model.routing[0].routes())
    own = sum(run.record.routed[0]) // 2
    assert own == 12
    assert sum(taken.values()) == own + sum(run.record.forced[0]) // 2


@pytest.mark.parametrize(
    ("count", "labels", "said"), [(7, None, "7 images"), (9, [1] * 9, "one class only")]
)
def test_images_that_say_too_little_are_refused(zoo, export, count, labels, said):
    model = zoo.enliven(zoo.Foreign())
    names = tuple(str(number) for number in range(count))
    known = None if labels is None else np.array(labels)
    samples = Samples(names, images(model, count), known)
    with pytest.raises(InputError) as refused:
        export(model, calibration=CalibrationRequest(samples))
    assert said in str(refused.value)
    assert refused.value.fields["name"] == "calibrate"
