package io.github.mvmoe.preprocessing

/** The rows of a stored image as levels: red, green and blue of each pixel one after the other, or grey alone. */
internal interface PixelRows {
    /** 3, or 1 for grey. */
    val channels: Int

    /** Reads the pixels [from] until [until] of a row into the beginning of [levels], which has room for them. */
    fun read(
        row: Int,
        from: Int,
        until: Int,
        levels: IntArray,
    )

    /** Reads the pixels of a row at some [places] into the beginning of [levels], one after the other. */
    fun pick(
        row: Int,
        places: IntArray,
        levels: IntArray,
    )
}

/** Those of a buffer that was checked, grey for a model that takes grey; used by one thread. */
internal fun pixelRows(
    buffer: PixelBuffer,
    isGreyWanted: Boolean,
): PixelRows {
    val rows = storedRows(buffer)
    return if (isGreyWanted && rows.channels == 3) GreyRows(rows) else rows
}

private fun storedRows(buffer: PixelBuffer): PixelRows =
    when (buffer.format) {
        PixelFormat.L -> GreyPlane(buffer)
        PixelFormat.RGB, PixelFormat.RGBA -> ColourPlane(buffer, red = 0, blue = 2)
        PixelFormat.BGRA -> ColourPlane(buffer, red = 2, blue = 0)
        PixelFormat.NV12 -> YuvPlanes(buffer, u = Samples(1, 0), v = Samples(1, 1))
        PixelFormat.NV21 -> YuvPlanes(buffer, u = Samples(1, 1), v = Samples(1, 0))
        PixelFormat.YUV420 -> YuvPlanes(buffer, u = Samples(1, 0), v = Samples(2, 0))
    }

/** Grey of colour, as step 2 of the page has it. */
private class GreyRows(
    private val colours: PixelRows,
) : PixelRows {
    override val channels: Int get() = 1
    private var row = IntArray(0)

    override fun read(
        row: Int,
        from: Int,
        until: Int,
        levels: IntArray,
    ) {
        val count = until - from
        val colour = roomFor(count)
        colours.read(row, from, until, colour)
        mix(colour, count, levels)
    }

    override fun pick(
        row: Int,
        places: IntArray,
        levels: IntArray,
    ) {
        val colour = roomFor(places.size)
        colours.pick(row, places, colour)
        mix(colour, places.size, levels)
    }

    private fun roomFor(pixels: Int): IntArray {
        if (row.size < 3 * pixels) row = IntArray(3 * pixels)
        return row
    }

    private fun mix(
        colour: IntArray,
        pixels: Int,
        levels: IntArray,
    ) {
        for (x in 0 until pixels) {
            levels[x] = (19595 * colour[3 * x] + 38470 * colour[3 * x + 1] + 7471 * colour[3 * x + 2] + 32768) shr 16
        }
    }
}
