"""Experts that start as copies of a dense model's MLPs (sparse upcycling, arXiv 2212.05055)."""

import re

from mvmoe_deploy.models.families.vit.network import ViT

_EXPERT = re.compile(r"\.mlp\.experts\.\d+\.")


def start_from_dense(model: ViT, dense: ViT) -> None:
    """Give a model the weights of the dense one with its sizes, and each expert a copy of its MLP.

    What the dense model lacks (routers) stays as it is. Experts are `blocks.L.mlp.experts.E`.
    """
    found = dense.state_dict()
    sources = {name: _EXPERT.sub(".mlp.", name) for name in model.state_dict()}
    model.load_state_dict(
        {name: found[source] for name, source in sources.items() if source in found}, strict=False
    )
    model.input_origins = dict(dense.input_origins)
