package io.github.mvmoe.preprocessing

/** Rows of a plane, copied into an array one at a time: reading a buffer byte by byte takes several times as long. */
internal class PlaneRows(
    plane: Plane,
    private val samples: Int,
) {
    /** Of its own: other threads may read the same planes. */
    private val bytes = plane.bytes.duplicate()
    private val rowStride = plane.rowStride
    private var row = ByteArray(0)

    /** Bytes from one pixel of a row to the next. */
    val pixelStride: Int = plane.pixelStride

    /** The pixels [from] until [until] of a row, the first one at place 0; the array is used again for the next row. */
    fun row(
        row: Int,
        from: Int,
        until: Int,
    ): ByteArray {
        val count = (until - from - 1) * pixelStride + samples
        if (this.row.size < count) this.row = ByteArray(count)
        bytes.position(row * rowStride + from * pixelStride)
        bytes.get(this.row, 0, count)
        return this.row
    }

    /** One sample of a pixel, where few of a row are wanted. */
    fun sample(
        row: Int,
        pixel: Int,
        sample: Int,
    ): Int = bytes.get(row * rowStride + pixel * pixelStride + sample).toInt() and 0xFF
}
