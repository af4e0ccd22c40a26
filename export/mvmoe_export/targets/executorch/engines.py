"""ExecuTorch's delegates: what each needs of a graph, and what is known of it.

XNNPACK takes GELU in any form and computes it with erf, so the tanh form is written out. The
portable kernels take every operator as it is.
"""

from functools import partial

from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.neural_engine import NEURAL_ENGINE
from mvmoe_export.sources import APPLE_RULES, ARM_SUMMARY, Citation

_CORE_ML = partial(
    EngineFacts,
    "coreml",
    "Core ML",
    needs=("one-partition", "gelu-as-trained", "no-selection", "few-selections"),
    bookkeeping=frozenset({"getitem", "alloc", "free"}),
    sources=(ARM_SUMMARY, APPLE_RULES),
)

ENGINES = (
    EngineFacts(
        "xnnpack",
        "XNNPACK",
        {"delegate": ("xnnpack",)},
        needs=(
            "one-partition",
            "no-reductions",
            "fold-batch-norm",
            "gelu-as-trained",
            "constant-linears",
            "constant-convolutions",
            "no-selection",
            "few-selections",
        ),
        compressed_needs=("patches-as-products",),
        few_partitions=4,  # Its pieces share the CPU's memory with what is between them.
        bookkeeping=frozenset({"getitem", "alloc", "free"}),
        sources=(
            Citation(
                "measured by us, 1.22 times slower in 52 pieces: python -m own_standing.rewriting"
            ),
            ARM_SUMMARY,
        ),
    ),
    EngineFacts(
        "portable",
        "Portable kernels",
        {"delegate": ("portable",)},
        needs=("no-selection",),  # There is none of a sort, and topk's equal scores have no order.
        fixed_shapes=False,
    ),
    _CORE_ML(
        chosen_by={"delegate": ("coreml",), "compute_units": ("all", "cpu_and_ne")},
        most_axes=5,
        accelerator=NEURAL_ENGINE,
    ),
    _CORE_ML(chosen_by={"delegate": ("coreml",)}),
)
"""By the values of the option `delegate`; the first that fits counts."""
