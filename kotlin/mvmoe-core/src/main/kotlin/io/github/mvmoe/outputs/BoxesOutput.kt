package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.Box
import io.github.mvmoe.preprocessing.InputTransform

/**
 * Something that a detector has found.
 *
 * @property score of its class, from 0 to 1.
 * @property box in pixels of the upright image, cut to it; in pixels of the input where there is no image.
 * @property row of [Output.values] that it is.
 */
public class Detection internal constructor(
    public val index: Int,
    public val label: String,
    public val score: Double,
    public val box: Box,
    public val row: Int,
) {
    /** `dog 0.8 at 12.0, 3.5 to 40.0, 20.0`. */
    override fun toString(): String = "$label $score at $box"
}

/** What a detector has found, in rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then C scores. */
public class BoxesOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
    private val transform: InputTransform?,
) : Output(spec, shape, values) {
    /**
     * The boxes with a score of at least 0.25, after non-maximum suppression within each class, the highest score first
     * (`docs/outputs.md`, *boxes*).
     */
    public fun detections(): List<Detection> =
        DetectorRows(values, shape).found().map {
            Detection(it.index, label(it.index), it.score, transform?.toImage(it.box) ?: it.box, it.row)
        }
}
