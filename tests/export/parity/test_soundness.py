"""One image, one answer: again, and whoever is in its batch."""

import pytest
import torch
import torch.nn.functional as F
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_export import export_bundle
from mvmoe_export.parity.soundness import require_sound
from mvmoe_export.stages import make_stages


def refused(model, tmp_path):
    with pytest.raises(CheckFailedError) as error:
        export_bundle(model, tmp_path / "a.bundle")
    assert error.value.code == "model.unsound"
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
    return str(error.value)


def experts(zoo, change):
    class Expert(nn.Linear):
        def forward(self, tokens):
            return change(super().forward(tokens))

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Expert(16, 16)

    return zoo.enliven(Model())


RANDOM = {
    "dropout": F.dropout,
    "noise": lambda x: x + 0.01 * torch.randn_like(x),
    "bernoulli": lambda x: x * torch.bernoulli(torch.full_like(x, 0.9)),
}


@pytest.mark.parametrize("kind", RANDOM)
def test_a_stage_that_is_random_is_named(zoo, tmp_path, kind):
    message = refused(experts(zoo, RANDOM[kind]), tmp_path)
    assert message.startswith("Model.stage(1, (0,)) answers the same images in two ways")
    assert "training=self.training" in message


def test_a_forward_that_is_random_is_named(zoo, tmp_path):
    class Model(zoo.Foreign):
        def forward(self, images, routes=None):
            return F.dropout(super().forward(images, routes), 0.5)

    message = refused(zoo.enliven(Model()), tmp_path)
    assert message.startswith("Model.forward answers the same images in two ways")


def test_a_stem_that_remembers_is_named(zoo, tmp_path):
    class Stem(zoo.Stem):
        calls = 0

        def forward(self, images):
            Stem.calls += 1
            return super().forward(images * Stem.calls)

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return super().stage(index, route) if index else Stem(self)

    assert "changes from call to call" in refused(zoo.enliven(Model()), tmp_path)


def nothing_but_progress(capfd):
    out, err = capfd.readouterr()
    return out == "" and all(
        line.startswith(("check the model", "export onnx")) for line in err.splitlines()
    )


def test_an_observer_is_named_in_one_sentence(zoo, tmp_path, capfd):
    from torch.ao.quantization import FakeQuantize

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(nn.Linear(16, 24), FakeQuantize(), nn.Linear(24, 16))

    assert "layer experts.0.1 is a FakeQuantize" in refused(zoo.enliven(Model()), tmp_path)
    assert nothing_but_progress(capfd)


def test_an_observer_that_is_off_is_one_sentence_too(zoo, tmp_path, capfd):
    from torch.ao.quantization import FakeQuantize, disable_fake_quant, disable_observer

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(nn.Linear(16, 24), FakeQuantize(), nn.Linear(24, 16))

    model = zoo.enliven(Model()).apply(disable_observer).apply(disable_fake_quant)
    with raises(InputError, "export.graph-refused", graph="step1_e0") as error:
        export_bundle(model, tmp_path / "a.bundle")
    assert "layer experts.0.1 is a FakeQuantize" in str(error.value)
    assert "\n" not in str(error.value)
    assert nothing_but_progress(capfd)


DEPENDENT = {
    "mean of the batch": lambda x: x - x.mean(0, keepdim=True) / 2,
    "batch statistics": lambda x: F.batch_norm(x, None, None, training=True) if len(x) > 1 else x,
    "sorted": lambda x: x.sort(dim=0).values,
    "softmax over the batch": lambda x: x.softmax(0),
}


@pytest.mark.parametrize("kind", DEPENDENT)
def test_a_stage_whose_images_depend_on_each_other_is_named(zoo, tmp_path, kind):
    message = refused(experts(zoo, DEPENDENT[kind]), tmp_path)
    assert message.startswith("Model.stage(1, (0,)) answers an image in a batch otherwise than")
    assert "no image may depend on the others of its batch" in message


def test_a_forward_whose_images_depend_on_each_other_is_named(zoo, tmp_path):
    class Model(zoo.Foreign):
        def forward(self, images, routes=None):
            answer = super().forward(images, routes)
            return answer - answer.mean(0, keepdim=True) / 2

    message = refused(zoo.enliven(Model()), tmp_path)
    assert message.startswith("Model.forward answers an image in a batch otherwise than alone")


@pytest.mark.parametrize("kind", ["Foreign", "Normed", "Stacked", "Tied"])
def test_sound_models_pass(zoo, kind):
    require_sound(make_stages(zoo.enliven(getattr(zoo, kind)())))
