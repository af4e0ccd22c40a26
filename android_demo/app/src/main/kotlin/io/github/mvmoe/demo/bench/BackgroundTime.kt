package io.github.mvmoe.demo.bench

/**
 * How long an app was not on the screen.
 *
 * A phone that is turned takes the app off the screen for a moment, which does not count.
 */
internal class BackgroundTime(
    private val nowNs: () -> Long = System::nanoTime,
) {
    private var leftNs: Long? = null
    private var pastNs = 0L

    /** In whole seconds, until now. */
    val seconds: Int
        @Synchronized get() = ((pastNs + counted(leftNs)) / NS_IN_SECOND).toInt()

    /** Begins to count anew. */
    @Synchronized
    fun reset() {
        pastNs = 0
        if (leftNs != null) leftNs = nowNs()
    }

    /** The app has left the screen. */
    @Synchronized
    fun leave() {
        leftNs = nowNs()
    }

    /** It is back. */
    @Synchronized
    fun comeBack() {
        pastNs += counted(leftNs)
        leftNs = null
    }

    private fun counted(since: Long?): Long = since?.let { nowNs() - it }?.takeIf { it >= MOMENT_NS } ?: 0

    private companion object {
        const val NS_IN_SECOND = 1_000_000_000L
        const val MOMENT_NS = 2 * NS_IN_SECOND
    }
}
