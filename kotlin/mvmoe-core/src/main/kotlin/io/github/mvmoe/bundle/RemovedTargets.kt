package io.github.mvmoe.bundle

import java.io.File

/** Finds the targets of which somebody has removed all own files. */
internal class RemovedTargets(
    private val root: File,
    private val manifest: Manifest,
) {
    /** How many lists have each path: a file that is in one only is the target's own. */
    private val listed =
        (manifest.targets.values.flatMap { it.files } + manifest.golden.file).groupingBy { it.path }.eachCount()

    /** By name, each with a clause that says which files were removed. */
    fun find(): Map<String, String> {
        val removed = LinkedHashMap<String, String>()
        for ((name, target) in manifest.targets) {
            val missing = target.files.map { it.path }.filterTo(LinkedHashSet()) { PlainFiles.isMissing(root, it) }
            val own = target.files.map { it.path }.filter { listed[it] == 1 }
            if (missing.isNotEmpty() && missing.containsAll(own)) removed[name] = clause(missing.sorted())
        }
        return removed
    }

    private fun clause(missing: List<String>): String {
        val others = if (missing.size > 1) " and ${missing.size - 1} more" else ""
        return "its files were removed from the bundle: ${missing.first()}$others"
    }
}
