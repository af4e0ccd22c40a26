"""Export the bundles of the conformance of answers again: run this file, with names for some.

Other releases of PyTorch and of the exporter give other bytes, so no test asks for the same ones;
the answers in the golden vectors stay what PyTorch says.
"""

import itertools
import shutil
import sys
from pathlib import Path

import torch

from mvmoe_deploy.models import RoutedModel, build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_export import export_bundle, restricted
from mvmoe_export.parity.golden_vectors import golden_vectors

FOLDER = Path(__file__).parent / "bundles"
SIZES = {
    "image_size": 8,
    "patch_size": 4,
    "num_classes": 5,
    "width": 16,
    "depth": 2,
    "heads": 2,
    "mlp_ratio": 2.0,
    "experts": 3,
}
BUNDLES = {
    "dispatch": ("dispatch", {"moe_layers": 1}),
    "experts": ("experts", {"moe_layers": 1, "top_k": 2, "renormalize": True}),
    "bind": ("bind", {"moe_layers": 1, "top_k": 2, "renormalize": True}),
    "two_stages": ("dispatch", {"depth": 3, "moe_layers": 2, "routers": "per-layer", "top_k": 2}),
    "in_graph": ("gather", {"depth": 3, "moe_layers": 2, "routers": "per-layer", "top_k": 2}),
    "kept": ("experts", {"moe_layers": 1, "experts": 4, "top_k": 2}),
}
"""Strategy, and what the model has beside `SIZES`."""
ROUTERS = {"in_graph": "in-graph"}
"""Where they are not on the host."""
KEPT = {"kept": {1: (0, 2, 3)}}
"""The experts that are kept of a routed stage, where not all are."""


def lively(model: RoutedModel, seed: int) -> RoutedModel:
    """Random weights under which experts differ clearly and golden images spread over routes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 10
            parameter.copy_((3.0 if name.startswith("router") else 1.0) * noise / fan_in**0.5)
        images = torch.from_numpy(golden_vectors(model.eval())["image"])
        for stage, router in enumerate(model.routers):
            router.bias -= model.forward_routed(images).router_logits[stage].mean(0)
    return model


def is_telling(model: RoutedModel) -> bool:
    """Whether golden images take several routes at each stage, none of them by a near-tie."""
    vectors = golden_vectors(model)
    for stage, rule in enumerate(model.routing, start=1):
        logits = vectors[f"logits.{stage}"]
        clear = (rule.margins(logits) > 2e-3 * abs(logits).max()).all()
        if not clear or len({tuple(row) for row in vectors[f"members.{stage}"]}) < 2:
            return False
    return True


def main(*names: str) -> None:
    """Write the bundles of these names, or every one, of the first telling model."""
    for name in names or BUNDLES:
        strategy, changes = BUNDLES[name]
        kept = KEPT.get(name)
        models = (
            restricted(
                lively(build(MobileVMoEConfig(**SIZES | changes), seed=0), seed).eval(),
                keep_experts=kept,
            )
            for seed in itertools.count()
        )
        model = next(filter(is_telling, models))
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        routers = ROUTERS.get(name, "host")
        export_bundle(model, FOLDER / name, strategy=strategy, routers=routers)


if __name__ == "__main__":
    main(*sys.argv[1:])
