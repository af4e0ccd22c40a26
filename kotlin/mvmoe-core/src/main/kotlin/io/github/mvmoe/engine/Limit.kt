package io.github.mvmoe.engine

import io.github.mvmoe.ErrorCode

/** A limit of the process or the machine; [advice] is a clause that says what was met and what to do. */
internal enum class Limit(
    val code: ErrorCode,
    val advice: String,
    text: String,
) {
    FILES(
        ErrorCode.LIMIT_FILES,
        "no further file can be opened; close dispatchers or files, or raise the limit (ulimit -n)",
        "too many open files|system error number (?:23|24)\\b",
    ),
    MEMORY(
        ErrorCode.LIMIT_MEMORY,
        "memory ran out; close dispatchers, bound maxExperts of Residency, or give the process more",
        "cannot allocate memory|bad[_ ]alloc|out of memory|failed to allocate|system error number 12\\b|memory ?allocation ?failed",
    ),
    THREADS(
        ErrorCode.LIMIT_THREADS,
        "no further thread can be started; end some, or raise the limit (ulimit -u)",
        "unable to create (?:new )?native thread|pthread_create|resource temporarily unavailable",
    ),
    ;

    private val said = Regex(text, RegexOption.IGNORE_CASE)

    companion object {
        /** The limit that an error, or one that caused it, is about: engines say so in words alone. */
        fun of(error: Throwable): Limit? = chain(error).firstNotNullOfOrNull(::ofOne)

        // A JVM says of threads, too, that its memory ran out.
        private fun ofOne(error: Throwable): Limit? =
            entries.firstOrNull { it.said.containsMatchIn(error.message.orEmpty()) }
                ?: MEMORY.takeIf { error is OutOfMemoryError }
    }
}
