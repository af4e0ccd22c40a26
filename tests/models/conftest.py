"""Models small enough to be built and run in milliseconds."""

import pytest
import torch

from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig

TINY = {
    "image_size": 16,
    "patch_size": 4,
    "in_channels": 1,
    "num_classes": 5,
    "width": 12,
    "depth": 3,
    "heads": 3,
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The machine is shared, and sums in one order are repeatable."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny_vit():
    """Makes the configuration of a small dense model, with fields of the caller's."""
    return lambda **fields: ViTConfig(**{**TINY, **fields})


@pytest.fixture
def tiny_moe():
    """Makes the configuration of a small routed model, with fields of the caller's."""
    return lambda **fields: MobileVMoEConfig(**{**TINY, "experts": 4, **fields})


@pytest.fixture
def images():
    """Makes a repeatable batch for a configuration."""

    def make(config, batch=3, seed=0):
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, config.in_channels, config.image_size, config.image_size)
        # Patterns differ between patches and brightness between images, so that routes do too.
        brightness = 2 * torch.randn(batch, 1, 1, 1, generator=generator)
        return brightness + torch.randn(shape, generator=generator)

    return make


@pytest.fixture
def spread_out():
    """Gives a model weights of order one, so that every path through it shows in its answer."""

    def spread(model, seed=0):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                if name in ("cls_token", "pos_embed") or ("router" in name and "bias" in name):
                    scale = 0.05  # images shall route themselves, not their common part
                else:
                    scale = 1.0 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
                parameter.copy_(scale * noise + ("norm" in name))
        return model.eval()

    return spread
