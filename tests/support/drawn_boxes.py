"""Drawn shapes as a folder in YOLO's format."""

from pathlib import Path

from PIL import Image

from mvmoe_deploy.training.datasets.shapes import CLASSES, DrawnImages, draw_shapes


def write_yolo_folder(root: Path, **counts: int) -> DrawnImages:
    """Images of 64 pixels below `images/PART`, so many of each; all of them in that order."""
    drawn = draw_shapes(sum(counts.values()), side=64, seed=3)
    parts = [part for part, count in counts.items() for _ in range(count)]
    for number, (part, pixels, boxes) in enumerate(zip(parts, *drawn, strict=True)):
        for kind in ("images", "labels"):
            (root / kind / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / "images" / part / f"{number:03}.png")
        lines = [yolo_line(*box) for box in boxes.tolist() if box[0] >= 0]
        (root / "labels" / part / f"{number:03}.txt").write_text("\n".join(lines) + "\n")
    (root / "data.yaml").write_text(f"path: .\ntrain: images/train\nnames: {list(CLASSES)}\n")
    return drawn


def yolo_line(label: float, left: float, top: float, right: float, bottom: float) -> str:
    """A line of a label file."""
    middle = (left + right) / 2, (top + bottom) / 2
    numbers = (*middle, right - left, bottom - top)
    return " ".join([str(int(label)), *(f"{number:.6f}" for number in numbers)])
