package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.ResourceLimitException
import java.io.File
import java.io.IOException

/** What to do about a file that is not as it was written. */
internal const val COPY_AGAIN: String = "copy the bundle again or export it again"

/** Turns the system's refusals into one sentence about reading [path] of the bundle at [root]. */
internal inline fun <T> readingFile(
    root: File,
    path: String,
    read: () -> T,
): T =
    try {
        read()
    } catch (error: IOException) {
        throw cannotRead(root, path, error)
    } catch (error: SecurityException) {
        throw cannotRead(root, path, error)
    }

internal fun cannotRead(
    root: File,
    path: String,
    error: Exception,
): MvmoeException {
    val reason = error.message ?: error.javaClass.simpleName
    val sentence = "$path of bundle $root cannot be read ($reason)"
    if (reason.contains("Too many open files", ignoreCase = true)) {
        return ResourceLimitException(
            ErrorCode.LIMIT_FILES,
            "$sentence: no further file can be opened; close dispatchers or files",
            cause = error,
        )
    }
    return BundleException(ErrorCode.BUNDLE_FILE_UNREADABLE, "$sentence; $COPY_AGAIN", mapOf("file" to path), error)
}

internal fun wrongFile(
    code: ErrorCode,
    path: String,
    sentence: String,
    vararg fields: Pair<String, Any?>,
): BundleException = BundleException(code, "$sentence; $COPY_AGAIN", mapOf("file" to path, *fields))
