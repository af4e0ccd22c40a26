package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route

/**
 * One static-shape program.
 *
 * @property name one of its own within its target.
 * @property stage index into the manifest's stages.
 * @property route the experts of this graph; null where it serves every route. With `bind`, the first experts of the length
 * that it serves.
 * @property file where it is: the path of a file, or of a package, which is a directory of listed files.
 * @property entry what the engine calls it where one file holds several graphs; null where it has no name there.
 * @property weightBytes bytes of the weights that it reads.
 * @property exclusiveBytes those of them that no other graph of the target reads.
 * @property inputs in the order of the graph.
 * @property outputs in the order of the graph.
 * @property bound with `bind`, the inputs that are weights, by the input's name.
 * @property placement where engines would run its nodes, as their own tools said at export.
 */
public class Graph internal constructor(
    public val name: String,
    public val stage: Int,
    public val route: Route?,
    public val file: String,
    public val entry: String?,
    public val weightBytes: Long,
    public val exclusiveBytes: Long,
    public val inputs: List<TensorSpec>,
    public val outputs: List<TensorSpec>,
    public val bound: Map<String, BoundInput>,
    public val placement: List<Placement>,
)
