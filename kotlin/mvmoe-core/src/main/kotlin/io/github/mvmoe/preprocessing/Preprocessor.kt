package io.github.mvmoe.preprocessing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.bundle.ChannelOrder
import io.github.mvmoe.bundle.InputSpec
import io.github.mvmoe.preprocessing.resize.ResizeRules
import java.nio.FloatBuffer

/**
 * Makes the model's input of images, to the last rounding as `docs/bundle.md`, *Preprocessing*, defines it.
 *
 * May be used by several threads at once. Of an image it holds some rows at a time, whatever its size.
 */
internal class Preprocessor(
    private val input: InputSpec,
) {
    private val tables = PassTables(input.interpolation)
    private val normalization = Normalization(input)
    private val isGrey = input.channelOrder == ChannelOrder.L
    private val channels = input.channelOrder.channels
    private val pixels = input.height * input.width
    private val padding = IntArray(channels) { ResizeRules.of(input).padding(it, input) }

    /**
     * Writes the input `[C, H, W]` of an image into places 0 to C * H * W of [into], wherever its position is.
     *
     * @throws io.github.mvmoe.ImageException for a buffer that contradicts itself, and for images that are too long and narrow.
     */
    fun prepare(
        buffer: PixelBuffer,
        into: FloatBuffer,
    ): InputTransform = levels(buffer) { channel, place, level -> into.put(channel * pixels + place, normalization.of(channel)[level]) }

    /** As [prepare], the levels before they are normalized, a byte each. */
    fun levels(
        buffer: PixelBuffer,
        into: ByteArray,
    ): InputTransform = levels(buffer) { channel, place, level -> into[channel * pixels + place] = level.toByte() }

    private inline fun levels(
        buffer: PixelBuffer,
        crossinline put: (channel: Int, place: Int, level: Int) -> Unit,
    ): InputTransform {
        BufferCheck.require(buffer)
        val orientation = Orientation.of(buffer.orientation)
        val width = if (orientation.isTransposed) buffer.height else buffer.width
        val height = if (orientation.isTransposed) buffer.width else buffer.height
        val transform = Placement.of(width, height, input).also(Placement::requireRoom)
        val columns = seen(transform.left, transform.resizedWidth, input.width)
        val rows = seen(transform.top, transform.resizedHeight, input.height)
        if (columns.size() < input.width || rows.size() < input.height) pad(put)
        withinMemory(buffer) {
            val source = pixelRows(buffer, isGrey)
            val resampler =
                Resampler(
                    source,
                    tables.of(width, transform.resizedWidth, columns),
                    tables.of(height, transform.resizedHeight, rows),
                    orientation,
                    buffer.width,
                    buffer.height,
                )
            val first = (rows.first - transform.top) * input.width + columns.first - transform.left
            val between = if (orientation.isTransposed) 1 else input.width
            val along = if (orientation.isTransposed) input.width else 1
            val count = if (orientation.isTransposed) rows.size() else columns.size()
            resampler.run { line, levels -> spread(levels, count, source.channels, first + line * between, along, put) }
        }
        return transform
    }

    /** Puts a line of pixels into its places, [along] apart. */
    private inline fun spread(
        levels: IntArray,
        count: Int,
        stored: Int,
        first: Int,
        along: Int,
        put: (channel: Int, place: Int, level: Int) -> Unit,
    ) {
        for (channel in 0 until channels) {
            var level = if (stored == 1) 0 else sampleOf(channel)
            var place = first
            repeat(count) {
                put(channel, place, levels[level])
                level += stored
                place += along
            }
        }
    }

    /** Which of red, green and blue a channel of the input is. */
    private fun sampleOf(channel: Int): Int = if (input.channelOrder == ChannelOrder.BGR) 2 - channel else channel

    private inline fun pad(put: (channel: Int, place: Int, level: Int) -> Unit) {
        for (channel in 0 until channels) for (place in 0 until pixels) put(channel, place, padding[channel])
    }

    /** The columns, or rows, of the resized image that are in the input. */
    private fun seen(
        begin: Int,
        resized: Int,
        side: Int,
    ): IntRange = maxOf(begin, 0) until minOf(begin + side, resized)

    private fun IntRange.size() = last - first + 1

    private inline fun withinMemory(
        buffer: PixelBuffer,
        work: () -> Unit,
    ) {
        try {
            work()
        } catch (error: OutOfMemoryError) {
            throw ResourceLimitException(
                ErrorCode.LIMIT_MEMORY,
                "there is no memory to resize an image of ${buffer.width} x ${buffer.height} pixels; give the process more, or " +
                    "scale it down first",
                cause = error,
            )
        }
    }
}
