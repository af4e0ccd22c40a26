"""Whole models as single modules answer as the model does, and refuse what they cannot be."""

import pytest
import torch

from mvmoe_bench.fused import AllExperts, Gather, KnownRoute
from mvmoe_bench.workload import make_workload
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import MobileVMoEConfig, build


def model(**fields):
    sizes = {"image_size": 8, "patch_size": 4, "in_channels": 1, "width": 8, "heads": 2}
    config = MobileVMoEConfig(**sizes, depth=3, num_classes=5, **{"experts": 4, **fields})
    return build(config, seed=0).eval()


@pytest.mark.parametrize("renormalize", [False, True])
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_fused_modules_answer_as_the_model(top_k, renormalize):
    routed = model(top_k=top_k, renormalize=renormalize)
    images = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        output = routed.forward_routed(images)
        everything = AllExperts(routed)(images)
        for number, route in enumerate(map(tuple, output.routes[0].tolist())):
            image, wanted = images[number : number + 1], output.logits[number : number + 1]
            torch.testing.assert_close(KnownRoute(routed, route)(image), wanted)
            torch.testing.assert_close(Gather(routed)(image), wanted)
    torch.testing.assert_close(everything, output.logits)


def test_another_route_is_another_answer():
    routed, image = model(), torch.ones(1, 1, 8, 8)

    with torch.no_grad():
        one, other = (KnownRoute(routed, (expert,))(image) for expert in (0, 1))

    assert not torch.allclose(one, other)


@pytest.mark.parametrize("fused", [lambda m: KnownRoute(m, (0,)), AllExperts, Gather])
def test_several_routed_stages_are_refused(fused):
    with pytest.raises(InputError, match="has 2 routed stages; this benchmark"):
        fused(model(routers="per-layer"))


def test_a_workload_visits_several_routes_and_is_repeatable():
    first, second = (make_workload("digits", seed=3) for _ in range(2))

    assert len(first.images) == len(first.routes) == len(first.answers) == 8
    assert len(first.visited) > 1
    assert first.routes == second.routes
    assert (first.answers == second.answers).all()


def test_experts_override_the_preset():
    assert make_workload("digits", experts=2).rule.experts == 2


def test_experts_of_a_dense_preset_are_refused():
    with pytest.raises(InputError, match="vit_digits is dense"):
        make_workload("vit_digits", experts=2)
