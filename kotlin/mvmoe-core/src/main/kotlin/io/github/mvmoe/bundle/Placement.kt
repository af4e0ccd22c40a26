package io.github.mvmoe.bundle

/**
 * Where an engine would run a graph's nodes, as its own tool said at export, without a device.
 *
 * @property engine `xnnpack`, `coreml`, `nnapi` or `coreml-ep` (ONNX Runtime's provider).
 * @property partitions pieces of the graph that the engine takes.
 * @property nodesOutside nodes that it does not take.
 * @property outside how often which operator is among them.
 * @property nodes all nodes of the graph; null where the tool does not count them.
 * @property verdict what the tool makes of it: `YES`, `MAYBE`, `NO`; null where it says nothing.
 */
public class Placement internal constructor(
    public val engine: String,
    public val partitions: Long,
    public val nodesOutside: Long,
    public val outside: Map<String, Long>,
    public val nodes: Long?,
    public val verdict: String?,
)
