package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/** The whole of `manifest.json` ([docs/bundle.md]); only a reader that has checked it makes one. */
public class Manifest internal constructor(
    public val model: Model,
    public val source: Source,
    public val input: InputSpec,
    public val stages: List<Stage>,
    public val outputs: List<OutputSpec>,
    /** By name, in the manifest's order. */
    public val targets: Map<String, Target>,
    /** For each routed stage which routes are used how often; null where nothing is known. */
    public val usagePrior: List<List<RouteShare>>?,
    public val golden: GoldenSpec,
) {
    /** The rule of each routed stage. */
    public val rules: List<Rule> get() = stages.mapNotNull { it.rule }
}

/** The model that was exported, and its size. */
public class Model internal constructor(
    public val family: String,
    public val name: String,
    public val paramsTotal: Long,
    public val paramsActive: Long,
    public val macs: Long,
)

/** Where the weights came from and what exported them. */
public class Source internal constructor(
    public val checkpointSha256: String?,
    public val packages: Map<String, String>,
    public val weights: String?,
    public val input: Map<String, String>,
)

/** The order of an image's channels. */
public enum class ChannelOrder(
    public val id: String,
    public val channels: Int,
) {
    RGB("RGB", 3),
    BGR("BGR", 3),
    L("L", 1),
}

/** The input `[C, H, W]` of the model, and what makes it from an image (`docs/bundle.md`, *Preprocessing*). */
public class InputSpec internal constructor(
    public val height: Int,
    public val width: Int,
    public val channelOrder: ChannelOrder,
    /** `timm`, `torchvision`, `squash`, `border` or `letterbox`. */
    public val resize: String,
    public val cropFraction: Double,
    public val resizeSize: Int?,
    public val padLevel: Int?,
    /** `around` or `right-bottom`; null but for `letterbox`. */
    public val padPlace: String?,
    /** `nearest` or `down`; null but for `letterbox`. */
    public val padRounding: String?,
    /** `bicubic`, `bilinear`, `nearest` or `lanczos`. */
    public val interpolation: String,
    public val mean: List<Double>,
    public val std: List<Double>,
) {
    /** `[C, H, W]`. */
    public val shape: List<Int> get() = listOf(channelOrder.channels, height, width)
}

/** One step of inference; see `stages` in `docs/bundle.md`. */
public class Stage internal constructor(
    public val name: String,
    /** Null for the stem. */
    public val rule: Rule?,
    /** The tensor with the logits that the rule takes; null where it takes none. */
    public val router: String?,
    public val takes: Map<String, String>,
    public val gives: Map<String, String>,
    public val finishes: List<Route>,
)

/** One of the model's outputs. */
public class OutputSpec internal constructor(
    public val name: String,
    /** What its numbers mean: `logits`, `boxes`, ... */
    public val kind: String,
    public val tensors: List<String>,
    public val labels: List<String>?,
)

/** How often a route is used. */
public class RouteShare internal constructor(
    public val route: Route,
    public val share: Double,
)

/** Golden vectors: `images` inputs in `file`. */
public class GoldenSpec internal constructor(
    public val images: Int,
    public val file: FileRecord,
)

/** A file of the bundle; its path is relative to the bundle, with `/` between parts. */
public class FileRecord internal constructor(
    public val path: String,
    public val bytes: Long,
    public val sha256: String,
)

/** The graphs of one target. */
public class Target internal constructor(
    public val name: String,
    public val format: String,
    public val strategy: String,
    public val precision: String,
    public val batch: Int,
    public val graphs: List<Graph>,
    /** The file that the graphs share, if there is one. */
    public val weights: String?,
    public val files: List<FileRecord>,
    public val parity: Parity?,
    /** Whether routers are inside of the target's only graph. */
    public val routersInGraph: Boolean,
    public val options: Map<String, Any?>,
    public val rewrites: List<String>,
    public val sizes: Sizes?,
    /** With `bind`, for each routed stage where each expert's weights are; else empty. */
    public val experts: List<List<ExpertWeights>>,
    public val bounds: Bounds,
)

/** The type of a tensor's numbers. */
public enum class DType(
    public val id: String,
    public val bytes: Int,
) {
    FLOAT32("float32", 4),
    FLOAT16("float16", 2),
    INT64("int64", 8),
    INT32("int32", 4),
}

/** One static-shape program. */
public class Graph internal constructor(
    public val name: String,
    public val stage: Int,
    public val route: Route?,
    public val file: String,
    /** What the engine calls it where one file holds several graphs. */
    public val entry: String?,
    public val weightBytes: Long,
    public val exclusiveBytes: Long,
    public val inputs: List<TensorSpec>,
    public val outputs: List<TensorSpec>,
    /** With `bind`, the inputs that are weights, by the input's name. */
    public val bound: Map<String, BoundInput>,
    public val placement: List<Placement>,
)

/** One input or output of a graph. */
public class TensorSpec internal constructor(
    public val name: String,
    public val shape: List<Int>,
    public val dtype: DType,
    public val pixels: PixelScaling?,
) {
    /** The number of its elements. */
    public val elements: Long get() = elementsOf(shape)
}

/** An input that takes an image as it is: the graph computes `pixel * scale + bias` itself. */
public class PixelScaling internal constructor(
    public val channelOrder: ChannelOrder,
    public val scale: List<Double>,
    public val bias: List<Double>,
)

/** An input that is a weight: of the expert at [place] of the route, its [tensor]. */
public class BoundInput internal constructor(
    public val place: Int,
    public val tensor: String,
)

/** Where an engine's own tool said at export that it would run a graph's nodes. */
public class Placement internal constructor(
    public val engine: String,
    public val partitions: Long,
    public val nodesOutside: Long,
    public val outside: Map<String, Long>,
    public val nodes: Long?,
    public val verdict: String?,
)

/** What the export checked against PyTorch. */
public class Parity internal constructor(
    public val graphs: Long,
    public val maxAbsError: Double,
    public val tolerance: Double,
    public val verification: Verification?,
)

/** How the target's graphs in a row compared with PyTorch at export. */
public class Verification internal constructor(
    public val images: Long,
    public val routingAgreement: Double,
    public val routerError: Double,
    public val routerErrorBound: Double,
    public val answerError: Double,
    public val answerErrorBound: Double,
    /** By the output's name. */
    public val outputs: Map<String, VerifiedOutput>,
    /** Images whose route rounding may flip. */
    public val nearTies: Long,
    /** Routes that none of the images took and that were forced. */
    public val forcedRoutes: Long,
)

/** How one output compared with PyTorch, over all images. */
public class VerifiedOutput internal constructor(
    public val kind: String,
    /** What the images decide, in words; null for a kind that decides nothing. */
    public val measure: String?,
    /** The share of it that is the same. */
    public val agreement: Double?,
    public val maxAbsError: Double,
    public val maxRelError: Double,
    public val rmsError: Double,
    /** Null where nothing differs. */
    public val psnrDb: Double?,
)

/** How far a target's graphs may be from PyTorch; errors are relative to the largest reference value. */
public class Bounds internal constructor(
    public val routerError: Double = 1e-4,
    public val answerError: Double = 1e-4,
    public val psnrDb: Double = 90.0,
    public val agreement: Double = 1.0,
    public val routingAgreement: Double = 1.0,
    public val ownErrorFactor: Double = 8.0,
    public val conditionedError: Double = 5e-3,
    public val reason: String = "",
)

/** Bytes of a target's weights by who needs them, each distinct content counted once. */
public class Sizes internal constructor(
    public val distinctBytes: Long,
    public val sharedBytes: Long,
    /** For each routed stage what each expert owns; empty where graphs are not split by route. */
    public val expertBytes: List<List<Long>>,
)

/** The weights of one expert: a range of the target's file `weights`, and its tensors. */
public class ExpertWeights internal constructor(
    public val offset: Long,
    public val bytes: Long,
    public val tensors: Map<String, StoredTensor>,
)

/** A tensor in the file `weights`: little-endian, in C order; [offset] is from the beginning of the file. */
public class StoredTensor internal constructor(
    public val offset: Long,
    public val shape: List<Int>,
    public val dtype: DType,
)
