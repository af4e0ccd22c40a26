package io.github.mvmoe.bundle

/**
 * The graphs of one target: a format with how routing became graphs.
 *
 * @property name its name in the manifest.
 * @property format which engine runs the graphs: `onnx`, `executorch`, `coreml`.
 * @property strategy how routing became graphs: `dispatch`, `bind`, ... (`docs/strategies.md`).
 * @property precision the recipe of weights and computation: `fp32`, `int8`.
 * @property batch B, the first size of every tensor.
 * @property graphs in the order of the manifest.
 * @property weights the path of the file that the graphs share; null where there is none.
 * @property files every file of the target.
 * @property parity what the export checked; null where no engine of that machine runs the graphs.
 * @property routersInGraph whether routers are inside of the target's only graph.
 * @property options what was chosen of the format: a text, number, boolean or null by name.
 * @property rewrites the rewrites that changed the graphs, in order.
 * @property sizes who needs which weights; null where nothing is known.
 * @property experts with `bind`, for each routed stage where each expert's weights are; else empty.
 * @property bounds how far the graphs may be from PyTorch.
 * @property compression what was done to the graphs' layers; null where weights are in the numbers that graphs compute in.
 */
public class Target internal constructor(
    public val name: String,
    public val format: String,
    public val strategy: String,
    public val precision: String,
    public val batch: Int,
    public val graphs: List<Graph>,
    public val weights: String?,
    public val files: List<FileRecord>,
    public val parity: Parity?,
    public val routersInGraph: Boolean,
    public val options: Map<String, Any?>,
    public val rewrites: List<String>,
    public val sizes: Sizes?,
    public val experts: List<List<ExpertWeights>>,
    public val bounds: Bounds,
    public val compression: Compression?,
)
