package io.github.mvmoe.bench

import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.channels.FileChannel

/** Images `[n, C, H, W]`, fp32. */
internal class Images private constructor(
    private val numbers: FloatBuffer,
    val count: Int,
    /** `[C, H, W]`. */
    val shape: List<Int>,
) {
    private val size = shape.fold(1, Int::times)

    /** One image, `[C, H, W]`, in memory of its own that nothing else writes. */
    operator fun get(number: Int): FloatBuffer {
        val view = numbers.duplicate()
        view.position(number * size)
        view.limit((number + 1) * size)
        return view.slice()
    }

    companion object {
        private val SHAPE = Regex("""'descr': '<f4', 'fortran_order': False, 'shape': \(([0-9, ]+)\)""")
        private const val FIXED = 10L

        /** Of a `.npy` file, as NumPy's `save` writes it: version 1, C order, little-endian. */
        fun read(file: File): Images =
            RandomAccessFile(file, "r").use { opened ->
                val fixed = ByteArray(FIXED.toInt()).also(opened::readFully)
                val length =
                    ByteBuffer
                        .wrap(fixed, 8, 2)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .short
                        .toInt()
                val header = String(ByteArray(length).also(opened::readFully), Charsets.US_ASCII)
                val sizes =
                    SHAPE
                        .find(header)
                        ?.groupValues
                        ?.get(1)
                        ?.split(",")
                        ?.map(String::trim)
                        ?.filter(String::isNotEmpty)
                        ?: throw IOException("$file holds $header; expected images of float32 in C order")
                val shape = sizes.map(String::toInt)
                val mapped = opened.channel.map(FileChannel.MapMode.READ_ONLY, FIXED + length, 4L * shape.fold(1, Int::times))
                // Of its own: a mapped page that comes in late would be timed with an answer.
                val numbers = ByteBuffer.allocateDirect(mapped.remaining()).order(ByteOrder.nativeOrder())
                numbers.put(mapped).rewind()
                Images(numbers.asFloatBuffer(), shape[0], shape.drop(1))
            }

        /** Images in memory, each `[C, H, W]`. */
        fun of(
            images: List<FloatArray>,
            shape: List<Int>,
        ): Images {
            val numbers =
                ByteBuffer
                    .allocateDirect(
                        Float.SIZE_BYTES * images.sumOf { it.size },
                    ).order(ByteOrder.nativeOrder())
                    .asFloatBuffer()
            images.forEach(numbers::put)
            return Images(numbers, images.size, shape)
        }
    }
}
