package io.github.mvmoe.preprocessing

/** Where a channel of chroma is: in which plane, and which of its samples it is. */
internal class Samples(
    val plane: Int,
    val place: Int,
)

/** Luma and chroma as red, green and blue, in whole numbers (`docs/bundle.md`, *Buffers*). */
internal class YuvPlanes(
    buffer: PixelBuffer,
    u: Samples,
    v: Samples,
) : PixelRows {
    private val factors = YuvFactors.of(checkNotNull(buffer.matrix), checkNotNull(buffer.valueRange))
    private val planes = buffer.planes.zip(buffer.format.layouts) { plane, layout -> PlaneRows(plane, layout.samples) }
    private val luma = planes[0]
    private val uPlane = planes[u.plane]
    private val vPlane = planes[v.plane]
    private val uPlace = u.place
    private val vPlace = v.place

    override val channels: Int get() = 3

    override fun read(
        row: Int,
        from: Int,
        until: Int,
        levels: IntArray,
    ) {
        val light = luma.row(row, from, until)
        val first = from / 2
        val u = uPlane.row(row / 2, first, (until + 1) / 2)
        val v = if (vPlane === uPlane) u else vPlane.row(row / 2, first, (until + 1) / 2)
        for (x in from until until) {
            val chroma = x / 2 - first
            write(
                light[(x - from) * luma.pixelStride].toInt() and 0xFF,
                (u[chroma * uPlane.pixelStride + uPlace].toInt() and 0xFF) - 128,
                (v[chroma * vPlane.pixelStride + vPlace].toInt() and 0xFF) - 128,
                levels,
                3 * (x - from),
            )
        }
    }

    override fun pick(
        row: Int,
        places: IntArray,
        levels: IntArray,
    ) {
        for (x in places.indices) {
            val chroma = places[x] / 2
            write(
                luma.sample(row, places[x], 0),
                uPlane.sample(row / 2, chroma, uPlace) - 128,
                vPlane.sample(row / 2, chroma, vPlace) - 128,
                levels,
                3 * x,
            )
        }
    }

    private fun write(
        y: Int,
        u: Int,
        v: Int,
        levels: IntArray,
        place: Int,
    ) {
        val light = factors.light * (y - factors.black) + 32768
        levels[place] = cut((light + factors.redOfV * v) shr 16)
        levels[place + 1] = cut((light - factors.greenOfU * u - factors.greenOfV * v) shr 16)
        levels[place + 2] = cut((light + factors.blueOfU * u) shr 16)
    }

    private fun cut(level: Int): Int =
        if (level < 0) {
            0
        } else if (level > 255) {
            255
        } else {
            level
        }
}

/** How much of each sample a channel has, times 2^16. */
private class YuvFactors(
    val black: Int,
    val light: Int,
    val redOfV: Int,
    val greenOfU: Int,
    val greenOfV: Int,
    val blueOfU: Int,
) {
    companion object {
        private val BT601_FULL = YuvFactors(0, 65536, 91881, 22553, 46802, 116130)
        private val BT601_VIDEO = YuvFactors(16, 76309, 104597, 25675, 53279, 132201)
        private val BT709_FULL = YuvFactors(0, 65536, 103206, 12276, 30679, 121609)
        private val BT709_VIDEO = YuvFactors(16, 76309, 117489, 13975, 34925, 138438)

        fun of(
            matrix: YuvMatrix,
            range: ValueRange,
        ): YuvFactors =
            when (matrix) {
                YuvMatrix.BT601 -> if (range == ValueRange.FULL) BT601_FULL else BT601_VIDEO
                YuvMatrix.BT709 -> if (range == ValueRange.FULL) BT709_FULL else BT709_VIDEO
            }
    }
}
