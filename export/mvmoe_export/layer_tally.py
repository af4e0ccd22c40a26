"""What was done to the layers of a target: counted while graphs are made, for the manifest."""

from collections.abc import Iterable

import msgspec
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_export.captured import key_bytes, tensor_key
from mvmoe_export.compression import NumberTypes
from mvmoe_export.layers import LayerChanges, PreciseLayer

_FP32, _FP16 = 4, 2


class LayerTally(msgspec.Struct, kw_only=True):
    """Gathered structure by structure; it crosses from a compiler's process as JSON."""

    layers: int = 0
    left: dict[str, tuple[PreciseLayer, ...]] = msgspec.field(default_factory=dict)
    """By the name of the first graph of each structure."""
    plain: dict[str, int] = msgspec.field(default_factory=dict)
    """The bytes of each distinct tensor before, by its key; of floating-point numbers in fp32."""

    def add_structure(self, graph: str, changes: LayerChanges) -> None:
        """Count the layers of the structure whose first graph is `graph`."""
        self.layers += len(changes.layers)
        self.left[graph] = changes.left

    def add_weights(self, contents: Iterable[Tensor]) -> None:
        """Count the bytes of tensors as they are before layers are compressed."""
        for tensor in contents:
            key = tensor_key(tensor)
            self.plain[key] = key_bytes(key)

    def record(self, numbers: NumberTypes) -> manifest.Compression | None:
        """The manifest's record; None for a target whose layers are as everything else."""
        if not numbers.changes_layers:
            return None
        plain = sum(self.plain.values())
        return manifest.Compression(
            weights=numbers.weights,
            activations=numbers.activations,
            layers=self.layers,
            left=tuple(
                manifest.LeftLayer(graph=graph, **msgspec.structs.asdict(layer))
                for graph, layers in self.left.items()
                for layer in layers
            ),
            plain_bytes=plain * _FP16 // _FP32 if numbers.other == "float16" else plain,
        )
