package io.github.mvmoe.preprocessing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException

/** Refuses buffers that contradict themselves, in the order of `docs/bundle.md`, *Buffers*. */
internal object BufferCheck {
    /** @throws ImageException `image.buffer-...`. */
    fun require(buffer: PixelBuffer) {
        requireOrientation(buffer)
        requireColours(buffer)
        requireSize(buffer)
        val layouts = buffer.format.layouts
        if (buffer.planes.size != layouts.size) {
            val names = layouts.joinToString { it.name }
            throw wrongFormat(buffer, "has ${buffer.planes.size} planes; expected ${layouts.size} ($names): give these")
        }
        buffer.planes.zip(layouts) { plane, layout -> requirePlane(buffer, plane, layout) }
    }

    private fun requireOrientation(buffer: PixelBuffer) {
        if (buffer.orientation !in 1..8) throw wrongFormat(buffer, "has the orientation ${buffer.orientation}; expected 1 to 8")
    }

    private fun requireColours(buffer: PixelBuffer) {
        if (buffer.format.hasChroma) {
            if (buffer.matrix == null) throw wrongFormat(buffer, "has no matrix; give the one that the camera states, BT601 or BT709")
            if (buffer.valueRange == null) throw wrongFormat(buffer, "has no value range; give the camera's, FULL or VIDEO")
        } else if (buffer.matrix != null || buffer.valueRange != null) {
            throw wrongFormat(buffer, "has a matrix or a value range, and the format has no luma and chroma; leave them out")
        }
    }

    private fun requireSize(buffer: PixelBuffer) {
        val step = if (buffer.format.hasChroma) 2 else 1
        for (side in listOf(buffer.width, buffer.height)) {
            if (side >= 1 && side % step == 0) continue
            val even = if (step == 2) "even numbers" else "numbers"
            throw ImageException(
                ErrorCode.IMAGE_BUFFER_SIZE,
                "a buffer of format ${buffer.format} has ${buffer.width} x ${buffer.height} pixels; expected $even above 0: give the " +
                    "sizes of its luma or pixel plane",
            )
        }
    }

    private fun requirePlane(
        buffer: PixelBuffer,
        plane: Plane,
        layout: PlaneLayout,
    ) {
        val columns = buffer.width / layout.part
        val rows = buffer.height / layout.part
        requireStride("pixel", plane.pixelStride, layout.samples.toLong(), layout)
        val row = (columns - 1L) * plane.pixelStride + layout.samples
        requireStride("row", plane.rowStride, row, layout)
        val needed = (rows - 1L) * plane.rowStride + row
        if (plane.bytes.limit() < needed) {
            throw ImageException(
                ErrorCode.IMAGE_BUFFER_TOO_SHORT,
                "the ${layout.name} plane has ${plane.bytes.limit()} bytes; $columns x $rows pixels with its strides " +
                    "(${plane.rowStride}, ${plane.pixelStride}) need $needed: give all of the plane, and its own strides",
                mapOf("plane" to layout.name, "expected" to needed, "found" to plane.bytes.limit()),
            )
        }
    }

    private fun requireStride(
        kind: String,
        stride: Int,
        least: Long,
        layout: PlaneLayout,
    ) {
        if (stride >= least) return
        throw ImageException(
            ErrorCode.IMAGE_BUFFER_STRIDE,
            "the $kind stride of the ${layout.name} plane is $stride; expected at least $least bytes: give the stride that the camera " +
                "states",
            mapOf("plane" to layout.name, "expected" to least, "found" to stride),
        )
    }

    private fun wrongFormat(
        buffer: PixelBuffer,
        words: String,
    ) = ImageException(ErrorCode.IMAGE_BUFFER_FORMAT, "a buffer of format ${buffer.format} $words")
}
