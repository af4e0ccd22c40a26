"""What the model's own code may do: raise, print, end the program, use other types."""

import sys

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.user_code import user_code
from mvmoe_export import export_bundle
from mvmoe_export.stages import make_stages

pytestmark = pytest.mark.usefixtures("shared_templates")


def refused(model, tmp_path):
    with pytest.raises(InputError) as error:
        export_bundle(model, tmp_path / "a.bundle")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
    return str(error.value)


class OwnError(Exception):
    """One that a model brings along."""


@pytest.mark.parametrize("error", [AssertionError, OwnError, KeyError, SystemExit])
def test_a_model_that_refuses_doubles_is_asked_in_single_precision(zoo, export, error):
    class Picky(zoo.Foreign):
        def forward(self, images, routes=None):
            if images.dtype != torch.float32:
                raise error
            return super().forward(images, routes)

    model = zoo.enliven(Picky(experts=2))
    assert export(model).exists()


def experts_that(zoo, act, **options):
    class Expert(nn.Linear):
        def forward(self, tokens):
            act()
            return super().forward(tokens)

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Expert(16, 16)

    return zoo.enliven(Model(**options))


def raise_own():
    raise OwnError("no luck\nat all")


def raise_exit():
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (raise_own, "stage 1 of Model raised OwnError: no luck; mend"),
        (raise_exit, "stage 1 of Model tried to end the program"),
    ],
)
def test_what_a_stage_raises_is_one_sentence(zoo, tmp_path, act, says):
    with pytest.raises(InputError) as caught:
        export_bundle(experts_that(zoo, act), tmp_path / "a.bundle")
    assert caught.value.code == "model.code-failed"
    assert str(caught.value).startswith(says)


def test_what_one_expert_raises_names_its_stage(zoo, tmp_path):
    class Fussy(zoo.Step):
        def __init__(self, model, index, route):
            super().__init__(model, index, route)
            self.route = route

        def forward(self, tokens, gates):
            if self.route == (2,):
                raise_own()
            return super().forward(tokens, gates)

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return Fussy(self, index, route) if index else zoo.Stem(self)

    message = refused(zoo.enliven(Model()), tmp_path)
    assert message.startswith("Model.stage(1, (2,)) raised OwnError: no luck; mend")


def test_a_stage_that_cannot_be_made_is_named(zoo, tmp_path):
    class Model(zoo.Foreign):
        def stage(self, index, route):
            if route == (1,):
                raise_own()
            return super().stage(index, route)

    assert "Model.stage(1, (1,)) raised OwnError" in refused(zoo.enliven(Model()), tmp_path)


def test_ctrl_c_in_a_model_ends_the_export(zoo, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_bundle(experts_that(zoo, interrupt), tmp_path / "a.bundle")
    assert not list(tmp_path.iterdir())


def test_own_errors_and_those_asked_for_pass():
    with pytest.raises(KeyError), user_code("x", passing=KeyError):
        raise KeyError
    with raises(InputError, "input.invalid", name="theirs"), user_code("x"):
        raise InputError("theirs", name="theirs")


def test_an_export_leaves_the_streams_of_the_process_alone(zoo, tmp_path):
    streams = sys.stdout, sys.stderr
    seen = set()
    model = experts_that(zoo, lambda: seen.add((sys.stdout, sys.stderr)), experts=2)
    export_bundle(model, tmp_path / "a.bundle")
    assert seen == {streams}, "another thread would print there"


# Types.


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64, torch.float16, torch.complex64])
def test_buffers_of_other_types_are_refused_as_parameters_are(zoo, tmp_path, kind):
    model = zoo.Foreign()
    model.head.register_buffer("extra", torch.ones(3, dtype=kind))
    kind = str(kind).removeprefix("torch.")
    assert f"Foreign has buffers of {kind}; call .float()" in refused(model, tmp_path)


def test_masks_and_indices_are_buffers_by_right(zoo):
    model = zoo.Foreign()
    for number, kind in enumerate((torch.bool, torch.int64, torch.uint8)):
        model.head.register_buffer(f"extra{number}", torch.ones(3, dtype=kind))
    assert make_stages(model)


def casting(zoo, tokens=None, logits=None, answer=None):
    """A model whose stages give other types."""

    class Stem(zoo.Stem):
        def forward(self, images):
            given = super().forward(images)
            return given[0].to(tokens), given[1].to(logits)

    class Step(zoo.Step):
        def forward(self, given, gates):
            return super().forward(given.float(), gates).to(answer)

    class Cast(zoo.Foreign):
        def stage(self, index, route):
            return Step(self, index, route) if index else Stem(self)

        def forward(self, images, routes=None):
            embedded = self.embed(images.flatten(1))
            members, gates = select(
                self.routers[0](embedded), self.routing[0], routes[0] if routes else None
            )
            mixed = embedded.to(tokens).to(embedded.dtype).clone()
            for image, expert in members.nonzero().tolist():
                added = self.experts[0][expert](mixed[image : image + 1].clone())[0]
                mixed[image] += gates[image, expert] * added
            return self.head(mixed).to(answer)

    return zoo.enliven(Cast())


@pytest.mark.parametrize(
    ("types", "says"),
    [
        ({"tokens": torch.bfloat16}, "gives tokens of type bfloat16; the contract expects float32"),
        ({"tokens": torch.int64}, "gives tokens of type int64; the contract expects float32"),
        ({"logits": torch.float16}, "gives logits of type float16; the contract expects float32"),
        ({"answer": torch.float64}, "gives answer of type float64; the contract expects float32"),
    ],
)
def test_outputs_of_other_types_are_refused(zoo, tmp_path, types, says):
    given = dict.fromkeys(("tokens", "logits", "answer"), torch.float32) | types
    assert says in refused(casting(zoo, **given), tmp_path)


def test_half_precision_tokens_are_handed_on(zoo, export):
    model = casting(zoo, torch.float16, torch.float32, torch.float32)
    path = export(model)
    graphs = Bundle.open(path).manifest.targets["onnx"].graphs
    assert graphs[0].outputs[0].dtype == graphs[1].inputs[0].dtype == "float16"
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), Dispatcher.open(path, threads=1) as dispatcher:
        wanted = model(images).numpy()
        found = dispatcher.run(images.numpy())["answer"]
    # One rounding of a token may go the other way: half a unit in fp16.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-3 * np.abs(wanted).max())


def test_the_default_type_of_pytorch_does_not_matter(zoo, export, assert_answers):
    model = zoo.enliven(zoo.Foreign(experts=2))
    torch.set_default_dtype(torch.float64)
    try:
        path = export(model)
    finally:
        torch.set_default_dtype(torch.float32)
    assert_answers(path, model)
