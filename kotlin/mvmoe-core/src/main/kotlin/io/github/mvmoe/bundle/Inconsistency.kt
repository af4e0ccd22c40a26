package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode

/** What a check of [Consistency] says beside its sentence. */
internal class Fault(
    val code: ErrorCode,
    vararg fields: Pair<String, Any?>,
) {
    val fields: Map<String, Any?> = fields.toMap()

    /** The same fault with more fields. */
    fun with(vararg more: Pair<String, Any?>): Fault = Fault(code, *(fields + more).toList().toTypedArray())

    companion object {
        /** Fields that contradict each other, where no other code fits. */
        val INCONSISTENT = Fault(ErrorCode.BUNDLE_MANIFEST_INCONSISTENT)
    }
}

/** The error for a manifest whose fields contradict each other; [sentence] goes on after "the manifest is wrong: ". */
internal fun inconsistent(
    sentence: String,
    fault: Fault = Fault.INCONSISTENT,
): BundleException = BundleException(fault.code, sentence, fault.fields)

internal inline fun requireConsistent(
    holds: Boolean,
    fault: Fault = Fault.INCONSISTENT,
    sentence: () -> String,
) {
    if (!holds) throw inconsistent(sentence(), fault)
}

/** Refuses what is there twice. */
internal fun <T> requireDistinct(
    items: Iterable<T>,
    what: String,
    fault: Fault = Fault.INCONSISTENT,
) {
    val seen = HashSet<T>()
    for (item in items) requireConsistent(seen.add(item), fault) { "the $what ${brief(item)} is there more than once" }
}

/** Something of a manifest for a message; of a long list the beginning. */
internal fun brief(item: Any?): String =
    when (item) {
        null -> "for all routes"
        is Iterable<*> -> item.joinToString(prefix = "[", postfix = "]", limit = MOST_SHOWN)
        else -> item.toString()
    }

/** Items of a list in a message, or in a field of an error. */
internal const val MOST_SHOWN: Int = 16
