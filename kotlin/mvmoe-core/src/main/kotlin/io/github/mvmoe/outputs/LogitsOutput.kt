package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import kotlin.math.exp

/** Scores `[classes]` before a softmax: the class with the highest is the answer. */
public class LogitsOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
) : Output(spec, shape, values) {
    /** The class with the highest logit, of equal ones the lowest. */
    public val best: ClassProbability get() = top(1)[0]

    /** The [count] best classes, best first; of equal ones the lowest. Fewer if there are fewer. */
    @JvmOverloads
    public fun top(count: Int = 5): List<ClassProbability> {
        val shares = probabilities()
        val order = values.indices.sortedByDescending { values[it] }
        return order.take(count).map { ClassProbability(it, label(it), shares[it]) }
    }

    /** The softmax `[classes]` of the logits, in double precision. */
    public fun probabilities(): DoubleArray {
        val top = values.max().toDouble()
        val powers = DoubleArray(values.size) { exp(values[it] - top) }
        val total = powers.sum()
        return DoubleArray(values.size) { powers[it] / total }
    }
}
