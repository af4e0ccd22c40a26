package io.github.mvmoe.preprocessing

import kotlin.math.abs

/** A resampling filter: the weight of a sample by its distance, and how far it reaches. */
internal enum class Kernel(
    val id: String,
    val support: Double,
) {
    BILINEAR("bilinear", 1.0) {
        override fun weight(x: Double): Double = maxOf(0.0, 1.0 - abs(x))
    },
    BICUBIC("bicubic", 2.0) {
        override fun weight(x: Double): Double {
            val d = abs(x)
            return when {
                d < 1.0 -> ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0
                d < 2.0 -> (((d - 5.0) * d + 8.0) * d - 4.0) * A
                else -> 0.0
            }
        }
    },
    LANCZOS("lanczos", 3.0) {
        override fun weight(x: Double): Double = if (x >= -3.0 && x < 3.0) sinc(x) * sinc(x / 3.0) else 0.0
    },
    ;

    /** The weight of a sample at the distance [x]. */
    abstract fun weight(x: Double): Double

    companion object {
        private const val A = -0.5

        /** That of an interpolation; null for `nearest`, which weighs nothing. */
        fun find(interpolation: String): Kernel? = entries.find { it.id == interpolation }

        /** By StrictMath: the last bit of `Math.sin` may differ from machine to machine. */
        private fun sinc(x: Double): Double {
            if (x == 0.0) return 1.0
            val angle = x * Math.PI
            return StrictMath.sin(angle) / angle
        }
    }
}
