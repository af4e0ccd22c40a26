package io.github.mvmoe.bench

import io.github.mvmoe.bench.subjects.Outputs
import io.github.mvmoe.bundle.FileRecord
import io.github.mvmoe.bundle.GoldenVectors
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.OutputShapes
import io.github.mvmoe.bundle.SafetensorsFile
import io.github.mvmoe.outputs.OutputKind
import io.github.mvmoe.outputs.OutputKinds
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
internal class Reference private constructor(
    private val outputs: Map<String, Output>,
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

    companion object {
        private const val VERY_LARGE = 1e30
        private const val SMALLEST_PEAK = 1e-3

        /** The outputs in a file, whose kinds are known by the outputs' names. */
        fun read(
            file: File,
            kinds: Map<String, String>,
        ): Reference =
            SafetensorsFile.read(RandomAccessFile(file, "r"), FileRecord(file.name, file.length(), ""), file.parentFile).use { stored ->
                Reference(
                    kinds.mapValues { (name, kind) ->
                        val shape = stored.types.getValue(name).shape
                        output(kind, shape.drop(1), List(shape[0]) { floats(stored.row(name, it, shape[0])) })
                    },
                )
            }

        /** The golden vectors of a bundle. */
        fun of(
            golden: GoldenVectors,
            manifest: Manifest,
        ): Reference {
            val shapes = OutputShapes.of(manifest)
            return Reference(
                manifest.outputs.associate { output ->
                    output.name to output(output.kind, shapes.of(output), List(golden.images) { golden.output(output.name, it) })
                },
            )
        }

        private fun output(
            kind: String,
            shape: List<Int>,
            rows: List<FloatArray>,
        ) = Output(checkNotNull(OutputKinds.find(kind)), shape, rows)

        private fun raise(
            largest: DoubleArray,
            part: Int,
            value: Double,
        ) {
            largest[part] = maxOf(largest[part], value)
        }

        private fun floats(bytes: ByteArray): FloatArray {
            val view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
            return FloatArray(view.remaining()).also(view::get)
        }
    }
}
