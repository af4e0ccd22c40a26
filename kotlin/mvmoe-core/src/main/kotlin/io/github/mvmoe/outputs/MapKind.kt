package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** `map`: numbers for each place `[C, H, W]`, such as depth or an enhanced image; judged by their errors alone. */
internal object MapKind : OutputKind {
    override val name: String get() = "map"

    override val form: String get() = "[C, H, W]"

    override fun fits(shape: List<Int>): Boolean = shape.size == 3

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = MapOutput(spec, shape, values, transform)
}
