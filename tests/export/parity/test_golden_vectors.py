"""Golden vectors: what they hold, which images they take, which models they refuse."""

import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import CheckFailedError, RoutingError
from mvmoe_export.parity.golden_vectors import golden_vectors
from mvmoe_export.parity.synthetic_images import synthetic_images

TOLERANCE = 1e-5
"""Both sides are PyTorch in fp32; only the size of a batch differs."""


def test_vectors_are_what_the_model_does(zoo):
    model = zoo.enliven(zoo.Foreign(experts=3, k=2, stages=2))
    vectors = golden_vectors(model)
    assert list(vectors) == [
        "image",
        *(f"{what}.{stage}" for stage in (1, 2) for what in ("logits", "members", "gates")),
        "outputs.answer",
    ]
    for stage, rule in enumerate(model.routing, start=1):
        members, gates = rule.select(vectors[f"logits.{stage}"])
        np.testing.assert_array_equal(vectors[f"members.{stage}"], members)
        np.testing.assert_array_equal(vectors[f"gates.{stage}"], gates)
    answer = model(torch.from_numpy(vectors["image"])).detach().numpy()
    np.testing.assert_allclose(vectors["outputs.answer"], answer, rtol=TOLERANCE, atol=TOLERANCE)


def test_images_take_as_many_routes_as_there_are(zoo):
    vectors = golden_vectors(zoo.enliven(zoo.Foreign(experts=4)))
    assert len(vectors["image"]) == 8
    assert vectors["members.1"].any(axis=0).all()


def test_dense_model_has_images_and_answers(vmoe):
    from mvmoe_deploy.models.families.vit import ViT

    vectors = golden_vectors(ViT(vmoe().config.dense()).eval())
    assert {name: array.shape for name, array in vectors.items()} == {
        "image": (8, 1, 8, 8),
        "outputs.answer": (8, 5),
    }


def test_vectors_are_repeatable(zoo):
    one, other = (golden_vectors(zoo.enliven(zoo.Foreign())) for _ in range(2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_an_answer_that_is_not_finite_is_refused(zoo):
    model = zoo.enliven(zoo.Foreign())
    model.head.bias.data[2] = torch.nan
    with pytest.raises(CheckFailedError, check=lambda error: error.code == "model.unsound"):
        golden_vectors(model)


def test_router_logits_that_are_not_finite_are_refused(zoo):
    model = zoo.enliven(zoo.Foreign())
    model.routers[0].bias.data[2] = torch.inf
    with raises(RoutingError, "routing.not-finite", image=0, expert=2):
        golden_vectors(model)


def test_synthetic_images_differ_and_repeat(zoo):
    spec = zoo.Foreign().input
    images = synthetic_images(spec, 8, seed=3)
    assert images.shape == (8, 1, 8, 8)
    assert torch.equal(images, synthetic_images(spec, 8, seed=3))
    assert not torch.equal(images, synthetic_images(spec, 8, seed=4))
    assert len({image.numpy().tobytes() for image in images}) == 8
    assert images.isfinite().all()
