package io.github.mvmoe.demo.bench

/** What the user has chosen to measure: everything, until something is unticked. Used on the main thread. */
internal class BenchChoice {
    private val unticked = HashSet<String>()

    var length: BenchLength = BenchLength.QUICK

    fun isTicked(key: String): Boolean = key !in unticked

    fun tick(
        key: String,
        isTicked: Boolean,
    ) {
        if (isTicked) unticked -= key else unticked += key
    }
}
