package io.github.mvmoe.demo.bench

import io.github.mvmoe.bench.OwnRunSettings

/** How much is measured. */
internal enum class BenchLength(
    val settings: OwnRunSettings,
) {
    /** A look: less than a minute. */
    QUICK(OwnRunSettings(threads = THREADS, repeats = 2, mostSeconds = 5.0, memory = true)),

    /** Enough repeats for intervals. */
    THOROUGH(OwnRunSettings(threads = THREADS, repeats = 6, mostSeconds = 20.0, memory = true)),

    /** Ten minutes without a pause for each engine, after which most phones are hot. */
    SUSTAINED(OwnRunSettings(threads = THREADS, repeats = 2, mostSeconds = 5.0, memory = true, sustainedSeconds = 600.0)),
}

/** As the rest of the app answers with. */
private const val THREADS = 2
