"""A model small enough that what is measured of it takes no time."""

import json

import pytest

TINY = {
    "image_size": 8, "patch_size": 4, "in_channels": 1, "num_classes": 5, "width": 32, "depth": 3,
    "heads": 2, "mlp_ratio": 2.0, "experts": 3, "moe_layers": 2,
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The JSON file of a Mobile V-MoE of three experts, where a preset may stand."""
    path = tmp_path_factory.mktemp("preset") / "tiny.json"
    path.write_text(json.dumps({"family": "mobile_vmoe", "config": TINY}))
    return str(path)
