"""The golden vectors: which tensors they are, and whether a file holds them.

For each of `n` images: `image` (already preprocessed), for each routed stage `i` from 1 `logits.i`,
`members.i` and `gates.i`, and `outputs.NAME` for each output. A stage without a router has no
logits. All of a stage that an image does not reach, because it was finished before, is 0. They say
nothing about residency.
"""

import math
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import output_shapes
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.routing.choices import no_logits, router_of

_HEADER_BYTES = 2**20
"""What the names and offsets of a golden file may take beside its tensors."""


def expected_vectors(manifest: Manifest) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of every golden vector by name."""
    images = manifest.golden.images
    vectors: dict[str, tuple[tuple[int, ...], np.dtype]] = {
        "image": ((images, *manifest.input.shape), np.dtype(np.float32))
    }
    for stage, rule in enumerate(manifest.rules, start=1):
        if router_of(rule) is not None:
            vectors[f"logits.{stage}"] = ((images, rule.experts), np.dtype(np.float32))
        vectors[f"members.{stage}"] = ((images, rule.experts), np.dtype(np.bool_))
        vectors[f"gates.{stage}"] = ((images, rule.experts), np.dtype(np.float32))
    for name, shape in output_shapes(manifest).items():
        vectors[f"outputs.{name}"] = ((images, *shape), np.dtype(np.float32))
    return vectors


def logits_in(vectors: Mapping[str, np.ndarray], stage: int) -> np.ndarray:
    """The logits of a stage's router in such vectors, `[n, E]`; `[n, 0]` where there is none."""
    found = vectors.get(f"logits.{stage}")
    return no_logits(len(vectors[f"members.{stage}"])) if found is None else found


def max_bytes(manifest: Manifest) -> int:
    """No golden file of `manifest` is larger than this."""
    expected = expected_vectors(manifest).values()
    return _HEADER_BYTES + sum(math.prod(shape) * dtype.itemsize for shape, dtype in expected)


def parse_vectors(data: bytes, manifest: Manifest, where: str) -> dict[str, np.ndarray]:
    """The golden vectors of a safetensors file's bytes; raises BundleError."""
    header = int.from_bytes(data[:8], "little")
    if header > _HEADER_BYTES:
        raise BundleError(
            f"the golden vectors of {where} are damaged: their header has {header:,} bytes, and at "
            f"most {_HEADER_BYTES:,} are read; export the bundle again",
            code="bundle.golden-invalid",
        )
    try:
        vectors = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise BundleError(
            f"the golden vectors of {where} are damaged ({error}); export the bundle again",
            code="bundle.golden-invalid",
        ) from error
    check_vectors(vectors, manifest, where)
    return vectors


def check_vectors(vectors: Mapping[str, np.ndarray], manifest: Manifest, where: str) -> None:
    """Refuse vectors that are not those of `manifest`; raises BundleError that names the first."""
    expected = expected_vectors(manifest)
    if wrong := sorted(vectors.keys() ^ expected.keys()):
        state = "unknown" if wrong[0] in vectors else "missing"
        raise BundleError(
            f"the golden vectors of {where} are wrong: {wrong[0]!r} is {state}; expected "
            f"{', '.join(expected)}",
            code="bundle.golden-invalid",
            vector=wrong[0],
        )
    for name, (shape, dtype) in expected.items():
        vector = vectors[name]
        if vector.shape != shape or vector.dtype != dtype:
            raise BundleError(
                f"the golden vectors of {where} are wrong: {name} is {vector.dtype} of shape "
                f"{list(vector.shape)} instead of {dtype} of shape {list(shape)}",
                code="bundle.golden-invalid",
                vector=name,
            )
