package io.github.mvmoe

import kotlinx.coroutines.Dispatchers
import kotlin.coroutines.CoroutineContext

/**
 * What can be said when a bundle is opened.
 *
 * @property target the target to run, of several that have the engine's format; null for the one that is called as the format,
 * or else the first.
 * @property manifestSha256 pins the bundle: one with any other manifest is refused (`bundle.wrong-manifest`).
 * @property context where the suspending functions do their work. It has to be one for blocking work: an image occupies a thread.
 */
public class OpenOptions
    @JvmOverloads
    constructor(
        public val target: String? = null,
        public val manifestSha256: String? = null,
        public val context: CoroutineContext = Dispatchers.IO,
    )
