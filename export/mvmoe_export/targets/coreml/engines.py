"""Core ML: what it needs of a graph, and what is known of it.

LayerNorm, GELU with erf and means stay: ML Programs have operators for them. coremltools loses a
GELU's `approximate="tanh"`, so that form is written out.
"""

from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.neural_engine import NEURAL_ENGINE

ENGINES = (
    EngineFacts(
        "coreml",
        "Core ML",
        needs=(
            "one-partition",
            "fold-batch-norm",
            "gelu-as-trained",
            "no-selection",
            "few-selections",
        ),
        most_axes=5,
        accelerator=NEURAL_ENGINE,
        shares_weights=("deployment_target", "iOS18"),
    ),
)
"""The one engine of ML Programs."""
