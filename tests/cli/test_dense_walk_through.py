"""`docs/from_a_dense_checkpoint.md`: every command of the page, in its order, on a small model."""

import json
import re
import shlex
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.vit import ViTConfig

PAGE = Path(__file__).parents[2] / "docs" / "from_a_dense_checkpoint.md"
DENSE = ViTConfig(image_size=16, patch_size=4, num_classes=4, width=24, depth=2, heads=3)
"""DeiT-Ti's form: three heads. Its four classes are not those of the images."""

PRESET = "mobile_vmoe_12x192_p16_224"
SHORT = {"--moe-epochs": "1", "--dense-epochs": "1"}


def commands() -> list[list[str]]:
    """The words of all commands of the page."""
    blocks = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with the files that the page begins with, and a quick preset of `bench`."""
    from mvmoe_bench.measure.planning import bench_presets

    _write_deit(tmp_path / "deit_tiny")
    _write_photos(tmp_path / "photos")
    sizes = {**vars(DENSE), "num_classes": 3, "experts": 2, "moe_layers": 1}
    text = json.dumps({"family": "mobile_vmoe", "config": sizes})
    (tmp_path / "routed.json").write_text(text)
    quick = msgspec.structs.replace(
        bench_presets.PRESETS["quick"],
        repeats=1,
        queries=3,
        starts=1,
        stream=4,
        warmup=0,
        cooldown=0.0,
    )
    monkeypatch.setitem(bench_presets.PRESETS, "standard", quick)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write_deit(folder: Path) -> None:
    """A directory as timm writes it."""
    folder.mkdir()
    state = build(DENSE, seed=0).state_dict()
    save_file(
        {name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors"
    )
    described = {
        "architecture": "deit_tiny_patch16_224",
        "num_classes": 4,
        "global_pool": "token",
        "model_args": {"patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 3},
        "pretrained_cfg": {
            "input_size": [3, 16, 16], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
            "crop_pct": 0.9, "interpolation": "bicubic",
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(described))


def _write_photos(folder: Path) -> None:
    """An image folder of three classes, each of a colour."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        for number, name in enumerate(("red", "green", "blue")):
            (folder / split / name).mkdir(parents=True)
            for image in range(count):
                pixels = generator.integers(0, 120, (20, 20, 3), dtype=np.uint8)
                pixels[..., number] += 100
                Image.fromarray(pixels).save(folder / split / name / f"{image}.png")


def _small(words: list[str]) -> list[str]:
    """A command with short training, and the small model's configuration."""
    words = ["routed.json" if word == PRESET else word for word in words]
    for option in SHORT.keys() & set(words):
        words[words.index(option) + 1] = SHORT[option]
    return [*words, "--threads", "1"] if words[0] == "train" else words


def test_every_command_of_the_page_does_as_it_says(mvmoe, place):
    found = commands()
    done = []
    for program, *words in found:
        assert program == "mvmoe"
        code, out, err = mvmoe(*_small(words))
        assert code == 0, (words, out, err)
        done.append(words[0])
    walk = ["convert", "train", "export", "verify", "bench", "report", "pack"]
    assert done == [*walk, "train", "export", "verify"]
    for name in ("cut", "model.mvmoe", "report.html", "app.zip", "moe.mvmoe"):
        assert (place / name).exists()
