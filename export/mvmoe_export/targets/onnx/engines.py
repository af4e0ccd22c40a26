"""ONNX Runtime's providers: what each needs of a graph, and what is known of it.

- cpu: it has kernels for LayerNormalization and GELU. GatherElements and ScatterElements look up
  every number; Gather and ScatterND copy rows. TopK gives equal scores in their order.
- nnapi: it has neither, nor erf, nor a reciprocal, nor a hard sigmoid, nor a ceiling, nor tensors
  of five axes. Of products it takes a MatMul of two tensors of three axes with any factors, one of
  two axes and a Conv only with constants.
- coreml-ep: it has no gather with a dynamic index, no minimum and no LayerNormalization. It takes a
  MatMul with any factors, a Gemm only with constants, and a Conv only with a constant bias.
"""

from mvmoe_export.engine_facts import EngineFacts, Need
from mvmoe_export.sources import (
    APPLE_TRANSFORMERS,
    CORE_ML_AXES,
    ORT_CHECKER,
    ORT_COREML_OPERATORS,
    ORT_NNAPI_OPERATORS,
    Citation,
    issue,
)

_ONE_PARTITION: tuple[Need, ...] = (
    "one-partition",
    "no-reductions",
    "fold-batch-norm",
    "constant-linears",
    "constant-convolutions",
    "no-selection",
    "few-selections",
)

ENGINES = (
    EngineFacts(
        "cpu",
        "CPU",
        {"profile": ("cpu",)},
        needs=("rows-of-tokens", "few-selections", "wide-layers"),
        fixed_shapes=False,
        # As a product of the weight turned beforehand, which it would turn in every call.
        bound_needs=("constant-linears",),
        compressed_needs=("patches-as-products",),
        bytes_only={
            "int4": (
                Citation(
                    "measured by us, 1.3 times as long as fp32 (95%: 1.16 to 1.33) with 0.5 M "
                    "parameters on one thread: mvmoe export --precision fp32 --precision int4, "
                    "then mvmoe bench"
                ),
            ),
        },
    ),
    EngineFacts(
        "nnapi",
        "NNAPI",
        {"profile": ("nnapi",)},
        needs=(*_ONE_PARTITION, "no-erf", "gelu-as-trained", "no-hard-swish", "no-ceil"),
        most_axes=4,
        constant_weights=frozenset({"Gemm", "Conv"}),
        constant_sources=(ORT_NNAPI_OPERATORS,),
        sources=(ORT_CHECKER, issue("microsoft/onnxruntime", 9054, 9285)),
        axes_sources=(issue("microsoft/onnxruntime", 12979, note="NNAPI's check of dimensions"),),
    ),
    EngineFacts(
        "coreml-ep",
        "CoreML EP",
        {"profile": ("coreml-ep",)},
        needs=(*_ONE_PARTITION, "no-minimum"),
        most_axes=5,
        constant_weights=frozenset({"Gemm", "Conv", "ConvTranspose"}),
        constant_sources=(ORT_COREML_OPERATORS,),
        sources=(
            ORT_CHECKER,
            issue("microsoft/onnxruntime", 28022, note="where 14 reflecting pads break a graph"),
        ),
        axes_sources=(CORE_ML_AXES, APPLE_TRANSFORMERS),
    ),
)
"""By the values of the option `profile`."""
