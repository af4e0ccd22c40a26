"""Apple's Neural Engine. Apple documents no list of operators: these are what others found out."""

from mvmoe_export.accelerator import Accelerator, CallCost, Fact, Windows
from mvmoe_export.sources import (
    ANE_GUIDE,
    APPLE_RULES,
    APPLE_TRANSFORMERS,
    CORE_ML_AXES,
    MULTIFUNCTION,
    Citation,
    issue,
)

_RF_DETR = issue("roboflow/rf-detr", 1495, note="MLComputePlan on an M3 Pro", kind="pull")
_USERS = (
    Citation(
        "hollance/neural-engine, unsupported-layers.md",
        "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md",
    ),
    issue("apple/coremltools", 1103),
    issue("pytorch/executorch", 19252),
)
_NO_PATH = ANE_GUIDE.at("chapter 4: no path on any chip from M1 to M5")
_APPLE_ENGINEER = issue("apple/coremltools", 1780, note="an Apple engineer")

LEAVES = {
    operator: sources
    for operators, sources in (
        ("topk gather_along_axis", (_RF_DETR,)),
        ("gather gather_nd", _USERS),
        ("lstm gru rnn", (_APPLE_ENGINEER, _NO_PATH)),
        (
            "scatter scatter_along_axis scatter_nd non_zero one_hot reduce_prod band_part "
            "reverse_sequence shape sliding_windows mod logical_and logical_or logical_xor "
            "random_normal random_bernoulli random_categorical tan asin acos atanh sinh cosh",
            (_NO_PATH,),
        ),
    )
    for operator in operators.split()
}
"""MIL's operator types. Left out on purpose: cumsum, where sources contradict each other, and
argmax, which stays (see `inexact`)."""

NEURAL_ENGINE = Accelerator(
    title="Neural Engine",
    dtype=Fact(
        "float16",
        "The Neural Engine computes in fp16 only; fp32 operators run on the GPU or CPU.",
        (
            Citation(
                "coremltools, Typed Execution Workflow Example",
                "https://apple.github.io/coremltools/docs-guides/source/"
                "typed-execution-example.html",
            ),
            APPLE_RULES,
        ),
    ),
    # Narrower ones it takes as stored weights, or as pixels.
    no_arithmetic=Fact(
        frozenset({"int32", "int64", "uint32", "uint64"}),
        "The Neural Engine computes in fp16; int32 has no path to it, so indices leave it: "
        "expand_dims and tile of indices ran on the CPU.",
        (ANE_GUIDE.at("chapter 17"), _RF_DETR),
    ),
    leaves=Fact(
        LEAVES,
        "The graph is cut there: Core ML computes the operator elsewhere, and hands tensors over "
        "and back.",
        (_RF_DETR, *_USERS, _APPLE_ENGINEER, _NO_PATH),
    ),
    dynamic_leaves=Fact(
        frozenset({"conv", "conv_transpose"}),
        "A convolution whose weights are computed, or an input of the program, was reported to "
        "leave the Neural Engine; with dilations Core ML does not take it at all.",
        (
            issue("apple/coremltools", 2536),
            Citation(
                "coremltools, MIL Ops, conv",
                "https://apple.github.io/coremltools/source/"
                "coremltools.converters.mil.mil.ops.defs.html",
            ),
        ),
    ),
    inexact=Fact(
        frozenset({"reduce_argmax", "reduce_argmin"}),
        "An argmax of fp16 values gave other classes on an iPhone 17 Pro's Neural Engine than on "
        "its CPU, without an error; seen with Core AI, which uses the same engine.",
        (issue("apple/coreai-torch", 116),),
    ),
    axes=Fact(
        4,
        "Core ML takes at most 5 axes; the Neural Engine is laid out for 4, and its linear layers "
        "refuse 5.",
        (CORE_ML_AXES, APPLE_TRANSFORMERS, ANE_GUIDE.at("chapter 17")),
    ),
    row=Fact(
        32,
        "The Neural Engine stores the last axis in rows of 64 bytes, 32 numbers of fp16; what does "
        "not fill its last row is padded, a last axis of 1 to 32 times its size.",
        (APPLE_RULES, APPLE_TRANSFORMERS),
    ),
    windows=Fact(
        Windows(widest=16, widest_on_old=13, old="the A13 and M1", new="the A14"),
        "The width of a convolution's window is limited in fp16: 13 on the A13 and M1, 16 from the "
        "A14 on (another reading of the same compiler: 15 on the M5); a wider one runs elsewhere, "
        "or is taken apart. RF-DETR's windows of 16 ran on an M3's Neural Engine.",
        (
            ANE_GUIDE.at("chapters 4 and 17"),
            APPLE_RULES.at("which advise against wide windows"),
            issue("hollance/neural-engine", 2),
        ),
    ),
    # Of an M1, whose figures are public for engine and CPU in one harness: fp16, attention blocks
    # of a ViT with 197 tokens, and fp32, a product of 64 x 256 x 256 in 0.026 ms, about the size of
    # a small ViT's layers. An iPhone's differ; the order of magnitude, and so the verdict on very
    # small and very large graphs, does not.
    call=Fact(
        CallCost(call_ms=0.23, gflops=1711, cpu_gflops=2 * 64 * 256 * 256 / 0.026e-3 / 1e9),
        "A call of the Neural Engine costs about 0.2 ms whatever it computes, and Core ML itself "
        "places small programs on the CPU.",
        (
            ANE_GUIDE.at("chapters 11 and 18, figures of an M1"),
            issue("aosama/astronomical", 540),
            Citation(
                "a transformer of 50 thousand parameters that was placed on the CPU whole",
                "https://ask-meridian.uk/blog/apple-neural-engine-eligibility-vs-placement/",
            ),
        ),
    ),
    first_load=Fact(
        "updates of the system",
        "A first load on the Neural Engine compiles for chip and system: seconds for small models, "
        "97 s were reported of a CLIP image model on an iPhone 14 Pro Max, 440 s of a large one on "
        "an M4 Pro; later loads take the result from a cache that updates empty.",
        (
            issue("argmaxinc/argmax-oss-swift", 309, 17),
            issue("apple/coremltools", 1814),
            MULTIFUNCTION.at("each function is loaded by itself"),
        ),
    ),
    layout=Fact(
        "Apple's recipe is [B, C, 1, S] with 1 x 1 convolutions",
        "The Neural Engine's own form is four axes, channels first, with convolutions of 1 x 1 in "
        "the place of linear layers and attention head by head; Apple reports up to 10 times for "
        "one model.",
        (APPLE_TRANSFORMERS, APPLE_RULES),
    ),
)
