package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.engine.Limit
import io.github.mvmoe.engine.firstLine
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
    val what = "$path of bundle $root cannot be read"
    val limit = Limit.of(error)
    if (limit != null) return ResourceLimitException(limit.code, "$what: ${limit.advice}", cause = error)
    return BundleException(ErrorCode.BUNDLE_FILE_UNREADABLE, "$what (${firstLine(error)}); $COPY_AGAIN", mapOf("file" to path), error)
}

internal fun wrongFile(
    code: ErrorCode,
    path: String,
    sentence: String,
    vararg fields: Pair<String, Any?>,
): BundleException = BundleException(code, "$sentence; $COPY_AGAIN", mapOf("file" to path, *fields))
