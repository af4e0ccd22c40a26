package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** `tensor`: numbers of which nothing else is known; judged by their errors alone. */
internal object TensorKind : OutputKind {
    override val name: String get() = "tensor"

    override val form: String get() = "[...] (1 to 7 sizes)"

    override fun fits(shape: List<Int>): Boolean = shape.size in 1..MOST_SIZES

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = TensorOutput(spec, shape, values)

    /** With the batch no more than a manifest's tensor may have. */
    private const val MOST_SIZES = 7
}
