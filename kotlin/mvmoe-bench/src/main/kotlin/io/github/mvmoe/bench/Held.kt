package io.github.mvmoe.bench

/**
 * What a process held at one moment, in bytes.
 *
 * @property total all of it: the sum of the parts, where these are told apart.
 * @property anonymous heap, stacks and written copies of a file's pages; null where the system does not tell the parts apart.
 * @property bundleFiles pages of the bundle's own files; null as [anonymous] is.
 */
public class Held
    @JvmOverloads
    constructor(
        public val total: Long,
        public val anonymous: Long? = null,
        public val bundleFiles: Long? = null,
    ) {
        internal fun fields(): Map<String, Any?> = linkedMapOf("total" to total, "anonymous" to anonymous, "bundle_files" to bundleFiles)
    }
