"""What an import brings along: nothing heavy before it is used."""

import subprocess
import sys

EXTRA = {"sklearn", "matplotlib", "lightning_fabric", "mvmoe_export", "mvmoe_bench"}


def loaded_by(statement: str) -> set[str]:
    """Modules in memory after a statement in a process of its own."""
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_heavy_libraries_wait_until_they_are_used() -> None:
    loaded = loaded_by("import mvmoe_deploy.training as t; t.train, t.load_data, t.default_options")
    assert not EXTRA & loaded
    assert "torch" in loaded


def test_images_can_be_read_without_pytorch() -> None:
    loaded = loaded_by(
        "import mvmoe_deploy.samples; from mvmoe_deploy.training import digits_split; "
        "from mvmoe_deploy.training.folder import folder_classes"
    )
    assert not {"torch", *EXTRA} & loaded


def test_every_public_name_can_be_loaded() -> None:
    from mvmoe_deploy import training

    assert all(getattr(training, name) is not None for name in training.__all__)
