package io.github.mvmoe.bundle

/**
 * A file of the bundle.
 *
 * @property path relative to the bundle, with `/` between its parts.
 * @property bytes its size.
 * @property sha256 of its content: 64 hexadecimal digits in lower case.
 */
public class FileRecord internal constructor(
    public val path: String,
    public val bytes: Long,
    public val sha256: String,
)
