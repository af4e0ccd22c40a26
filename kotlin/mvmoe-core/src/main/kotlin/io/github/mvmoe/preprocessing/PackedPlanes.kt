package io.github.mvmoe.preprocessing

/** One plane of grey. */
internal class GreyPlane(
    buffer: PixelBuffer,
) : PixelRows {
    private val plane = PlaneRows(buffer.planes[0], samples = 1)
    override val channels: Int get() = 1

    override fun read(
        row: Int,
        from: Int,
        until: Int,
        levels: IntArray,
    ) {
        val bytes = plane.row(row, from, until)
        val stride = plane.pixelStride
        for (x in 0 until until - from) levels[x] = bytes[x * stride].toInt() and 0xFF
    }

    override fun pick(
        row: Int,
        places: IntArray,
        levels: IntArray,
    ) {
        for (x in places.indices) levels[x] = plane.sample(row, places[x], 0)
    }
}

/** One plane of colour, with or without alpha; [red] and [blue] are the places of their samples. */
internal class ColourPlane(
    buffer: PixelBuffer,
    private val red: Int,
    private val blue: Int,
) : PixelRows {
    private val plane = PlaneRows(buffer.planes[0], buffer.format.layouts[0].samples)
    override val channels: Int get() = 3

    override fun read(
        row: Int,
        from: Int,
        until: Int,
        levels: IntArray,
    ) {
        val bytes = plane.row(row, from, until)
        val stride = plane.pixelStride
        var place = 0
        var level = 0
        repeat(until - from) {
            levels[level] = bytes[place + red].toInt() and 0xFF
            levels[level + 1] = bytes[place + 1].toInt() and 0xFF
            levels[level + 2] = bytes[place + blue].toInt() and 0xFF
            place += stride
            level += 3
        }
    }

    override fun pick(
        row: Int,
        places: IntArray,
        levels: IntArray,
    ) {
        for (x in places.indices) {
            levels[3 * x] = plane.sample(row, places[x], red)
            levels[3 * x + 1] = plane.sample(row, places[x], 1)
            levels[3 * x + 2] = plane.sample(row, places[x], blue)
        }
    }
}
