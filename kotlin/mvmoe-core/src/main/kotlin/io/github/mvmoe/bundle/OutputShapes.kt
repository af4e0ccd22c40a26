package io.github.mvmoe.bundle

/**
 * The shapes of the tensors that are outputs, for one image, as the first target has them: those of the others are the same.
 */
internal class OutputShapes {
    private val shapes = HashMap<String, List<Int>>()

    operator fun get(tensor: String): List<Int>? = shapes[tensor]

    /** The shape of an output that was checked. */
    fun of(output: OutputSpec): List<Int> = shapes.getValue(output.tensors.first())

    fun add(
        tensor: String,
        shape: List<Int>,
    ) {
        shapes[tensor] = shape
    }

    companion object {
        /** The shapes of a manifest that was checked, from the graphs of its first target. */
        fun of(manifest: Manifest): OutputShapes {
            val target = manifest.targets.values.first()
            val shapes = OutputShapes()
            StageInterfaces(target, strategyOf(target), manifest, shapes).all()
            return shapes
        }
    }
}
