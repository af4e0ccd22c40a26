"""A step in parts is the step; a killed run in parts goes on as it was."""

from pathlib import Path

import pytest
import torch
from expected_errors import raises
from safetensors.torch import load_file
from training_interrupt import Interrupt

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training import train

TOLERANCE = 2e-4
"""Of a weight, absolute: sums in another order differ by some 1e-7 of a gradient, and AdamW divides
by the gradient's own size. 32 steps of up to 4e-3 each move a weight by hundreds of times more."""

WIDTH = 16
"""Of the model. The second third of a bias of queries, keys and values is that of the keys: softmax
ignores it, so that its gradient is 0 but for rounding, and so are its steps."""


@pytest.fixture(scope="module")
def runs(tiny_options, tmp_path_factory):
    """The weights of a dense twin after the same steps, in one part and in three."""
    root = tmp_path_factory.mktemp("parts")
    for parts in (1, 3):
        options = tiny_options(routings=(), accumulate=parts)
        train(options, root / str(parts))
    return root


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "dense" / "model.safetensors")


def test_a_step_in_parts_is_the_step(runs) -> None:
    whole, parts = _weights(runs / "1"), _weights(runs / "3")
    assert any(not torch.equal(whole[name], parts[name]) for name in whole)
    for name, tensor in whole.items():
        if name.endswith("qkv.bias"):
            tensor[WIDTH : 2 * WIDTH] = parts[name][WIDTH : 2 * WIDTH]
        torch.testing.assert_close(parts[name], tensor, rtol=0, atol=TOLERANCE)


def test_a_killed_run_in_parts_ends_with_the_same_weights(runs, tiny_options, tmp_path) -> None:
    options = tiny_options(routings=(), accumulate=3)
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "run", progress=Interrupt("dense", 1))
    with raises(InputError, "resume.mismatch", name="accumulate", expected="3", found="1"):
        train(tiny_options(routings=()), tmp_path / "run", resume=True)
    train(options, tmp_path / "run", resume=True)
    whole = _weights(runs / "3")
    assert all(torch.equal(whole[name], t) for name, t in _weights(tmp_path / "run").items())
