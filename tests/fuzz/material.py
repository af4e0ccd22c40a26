"""Healthy files, made once: what the kinds of fuzzing damage."""

import io
import json
import subprocess
import sys
from pathlib import Path

CONFIG = {
    "image_size": 8, "patch_size": 4, "in_channels": 3, "num_classes": 3, "width": 16, "depth": 2,
    "heads": 2, "experts": 2, "moe_layers": 1,
}  # fmt: skip
EVERYTHING = (
    "--target", "onnx", "--target", "coreml", "--target", "executorch",
    "--onnx-profile", "cpu", "--onnx-profile", "cpu", "--executorch-delegate", "xnnpack",
    "--executorch-compute-units", "cpu_only", "--coreml-precision", "fp32",
    "--coreml-input", "image",
    "--coreml-deployment-target", "iOS17", "--author", "Ada", "--license", "MIT",
    "--description", "Tells cats from dogs", "--resume",
)  # fmt: skip
"""A small bundle of all targets, made with every option."""


def make_checkpoint(folder: Path, run) -> Path:
    """Write a small checkpoint below `folder` with what runs mvmoe; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.json").write_text(json.dumps({"family": "mobile_vmoe", "config": CONFIG}))
    run("init", folder / "tiny.json", "-o", folder / "tiny", "--seed", "3")
    return folder / "tiny"


def make_all(folder: Path) -> None:
    """Write the checkpoint and the bundle of all targets below `folder`, if they are not there."""
    if not (folder / "everything.mvmoe").exists():
        checkpoint = make_checkpoint(folder, _run)
        _run("export", checkpoint, "-o", folder / "everything.mvmoe", *EVERYTHING)


def _run(*arguments):
    command = [sys.executable, "-m", "mvmoe_deploy", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def images():
    """A small picture in every format that is read, by a name for each."""
    import numpy as np
    from PIL import Image, ImageCms, PngImagePlugin

    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (13, 17, 3), np.uint8))
    grey16 = Image.fromarray(rng.integers(0, 65536, (13, 17), np.uint16))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "plain " * 20, zip=True)
    exif = Image.Exif()
    exif[274] = 6
    forms = {
        "png": (colour, "PNG", {"icc_profile": profile, "pnginfo": text, "exif": exif}),
        "png16": (grey16, "PNG", {}),
        "palette": (colour.convert("P"), "PNG", {"transparency": 3}),
        "jpeg": (colour, "JPEG", {"exif": exif, "icc_profile": profile, "progressive": True}),
        "cmyk": (colour.convert("CMYK"), "JPEG", {}),
        "webp": (colour, "WEBP", {"exif": exif}),
        "gif": (colour, "GIF", {"save_all": True, "append_images": [colour.rotate(90)]}),
        "tiff": (colour, "TIFF", {"compression": "tiff_lzw"}),
        "tiff16": (grey16, "TIFF", {}),
        "bmp": (colour, "BMP", {}),
        "ppm": (colour, "PPM", {}),
    }
    made = {}
    for name, (picture, kind, options) in forms.items():
        out = io.BytesIO()
        picture.save(out, kind, **options)
        made[name] = out.getvalue()
    return made
