package io.github.mvmoe.demo.bench

/**
 * Some time in which a phone was as hot.
 *
 * @property status the system's word: `light`.
 * @property level 0 for no throttling, 1 for severe throttling and beyond.
 */
internal class HeatStretch(
    val fromNs: Long,
    val toNs: Long,
    val status: String,
    val level: Float,
)

/** How hot a phone was while it answered, put together from looks at it. */
internal class HeatTimeline {
    private val found = ArrayList<HeatStretch>()

    /** In order, each of another status than the one before. */
    val stretches: List<HeatStretch> get() = found.toList()

    /** What it was until [atNs]; null where the system does not say. */
    fun add(
        atNs: Long,
        status: String?,
    ) {
        val last = found.lastOrNull()
        val from = last?.toNs ?: 0
        when {
            status == null -> {}

            last?.status == status -> {
                found[found.lastIndex] = HeatStretch(last.fromNs, atNs, status, last.level)
            }

            else -> {
                found += HeatStretch(from, atNs, status, levelOf(status))
            }
        }
    }

    private companion object {
        /** In the order of heat; hotter ones shut the phone down. */
        val STATUSES = listOf("none", "light", "moderate", "severe")

        fun levelOf(status: String): Float {
            val number = STATUSES.indexOf(status)
            return if (number < 0) 1f else number.toFloat() / STATUSES.lastIndex
        }
    }
}
