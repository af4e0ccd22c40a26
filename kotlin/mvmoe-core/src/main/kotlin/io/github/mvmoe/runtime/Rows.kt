package io.github.mvmoe.runtime

import io.github.mvmoe.engine.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** A tensor of all images of a batch, `[n, ...]`. */
internal interface Rows {
    /** Writes what an image has into a tensor `[B, ...]` of a graph. */
    fun write(
        image: Int,
        to: Tensor,
        position: Int,
    )
}

/** Preprocessed images `[n, C, H, W]`, as a caller has them: [floats] holds them from its place 0 on. */
internal class ImageRows(
    private val floats: FloatBuffer,
    private val size: Int,
) : Rows {
    override fun write(
        image: Int,
        to: Tensor,
        position: Int,
    ) {
        val from = floats.duplicate()
        from.limit((image + 1) * size).position(image * size)
        row(to, position).put(from)
    }
}

/** What graphs gave, by image; images that did not get there have nothing. */
internal class GivenRows(
    images: Int,
) : Rows {
    private val rows = arrayOfNulls<ByteArray>(images)

    /** Keeps what a graph gave for the image at a position of its batch. */
    fun take(
        image: Int,
        from: Tensor,
        position: Int,
    ) {
        val bytes = ByteArray(from.data.limit() / from.shape[0])
        bytesOf(from, position, bytes.size).get(bytes)
        rows[image] = bytes
    }

    override fun write(
        image: Int,
        to: Tensor,
        position: Int,
    ) {
        rows[image]?.let { bytesOf(to, position, it.size).put(it) }
    }

    /** What an image has, of fp32. */
    fun floats(image: Int): FloatBuffer = ByteBuffer.wrap(checkNotNull(rows[image])).order(ByteOrder.nativeOrder()).asFloatBuffer()
}

private fun bytesOf(
    tensor: Tensor,
    position: Int,
    size: Int,
): ByteBuffer = tensor.data.duplicate().also { it.limit((position + 1) * size).position(position * size) }
