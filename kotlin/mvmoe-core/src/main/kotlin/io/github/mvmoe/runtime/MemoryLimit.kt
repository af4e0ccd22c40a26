package io.github.mvmoe.runtime

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ResourceLimitException

/** [work], which needs memory for images in flight; where there is none, the error says so instead of ending the program. */
internal inline fun <T> withinMemory(work: () -> T): T =
    try {
        work()
    } catch (error: OutOfMemoryError) {
        throw ResourceLimitException(
            ErrorCode.LIMIT_MEMORY,
            "there is no memory for another image in flight (${error.message}); close dispatchers, give smaller batches, or give the " +
                "process more",
            cause = error,
        )
    }
