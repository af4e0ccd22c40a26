package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode

/**
 * JSON that others wrote, read strictly: what two parsers may read in two ways is refused.
 *
 * UTF-8 without a byte order mark, no key twice, no half of a surrogate pair, nothing that RFC 8259 does not have; bounded
 * depth and numbers. Time and memory are proportional to the text.
 */
internal object StrictJson {
    /** The bytes of the longest text. */
    const val MOST_BYTES: Int = 32 * 1024 * 1024

    /** Objects and arrays within each other. */
    const val MOST_DEPTH: Int = 64

    /** The digits of one number. */
    const val MOST_DIGITS: Int = 4300

    /** @throws BundleException with the code that a manifest of this text has (`bundle.manifest-not-json`, ...). */
    fun parse(bytes: ByteArray): JsonValue {
        if (bytes.size > MOST_BYTES) {
            throw BundleException(
                ErrorCode.BUNDLE_TOO_LARGE,
                "it has more than the $MOST_BYTES bytes that are read",
                mapOf("limit" to MOST_BYTES),
            )
        }
        return JsonReader(bytes).document()
    }
}
