package io.github.mvmoe.runner.bench

import io.github.mvmoe.bundle.FileRecord
import io.github.mvmoe.bundle.SafetensorsFile
import io.github.mvmoe.outputs.OutputKind
import io.github.mvmoe.outputs.OutputKinds
import io.github.mvmoe.runner.bench.subjects.Outputs
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** The largest error of any of an image's outputs, and the largest relative one. */
internal class Errors(
    val absolute: Double,
    val relative: Double,
)

/**
 * What PyTorch answers: a safetensors file of the outputs `[n, ...]` by name.
 *
 * Each part of an output, as its kind has them, is compared with that part's largest value of all images.
 */
internal class Reference(
    file: File,
    kinds: Map<String, String>,
) {
    private class Output(
        val kind: OutputKind,
        val shape: List<Int>,
        val rows: List<FloatArray>,
    ) {
        /** The largest value of each part. */
        val peaks: DoubleArray = DoubleArray(kind.parts.size)

        init {
            for (row in rows) row.forEachIndexed { place, value -> raise(peaks, kind.partOf(place, shape), abs(value.toDouble())) }
        }
    }

    private val outputs: Map<String, Output> =
        SafetensorsFile.read(RandomAccessFile(file, "r"), FileRecord(file.name, file.length(), ""), file.parentFile).use { stored ->
            kinds.mapValues { (name, kind) ->
                val shape = stored.types.getValue(name).shape
                Output(checkNotNull(OutputKinds.find(kind)), shape.drop(1), List(shape[0]) { floats(stored.row(name, it, shape[0])) })
            }
        }

    /** How far an image's outputs are from those here; what is no number counts as very large. */
    fun errors(
        given: Outputs,
        image: Int,
    ): Errors {
        var absolute = 0.0
        var relative = 0.0
        for ((name, output) in outputs) {
            val largest = DoubleArray(output.peaks.size)
            val wanted = output.rows[image]
            given.getValue(name).forEachIndexed { place, value ->
                val error = abs(value.toDouble() - wanted[place])
                raise(largest, output.kind.partOf(place, output.shape), if (error < VERY_LARGE) error else VERY_LARGE)
            }
            for ((part, error) in largest.withIndex()) {
                absolute = maxOf(absolute, error)
                relative = maxOf(relative, minOf(error / maxOf(output.peaks[part], SMALLEST_PEAK), VERY_LARGE))
            }
        }
        return Errors(absolute, relative)
    }

    private companion object {
        const val VERY_LARGE = 1e30
        const val SMALLEST_PEAK = 1e-3

        fun raise(
            largest: DoubleArray,
            part: Int,
            value: Double,
        ) {
            largest[part] = maxOf(largest[part], value)
        }

        fun floats(bytes: ByteArray): FloatArray {
            val view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
            return FloatArray(view.remaining()).also(view::get)
        }
    }
}
