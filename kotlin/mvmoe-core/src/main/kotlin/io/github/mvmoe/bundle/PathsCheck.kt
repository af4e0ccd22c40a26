package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import java.util.Locale
import java.util.TreeSet

/** Every path stays inside of the bundle: no part of it is empty, `.` or `..`. */
internal fun checkPaths(manifest: Manifest) {
    checkPath(manifest.golden.file.path)
    for (target in manifest.targets.values) {
        target.files.forEach { checkPath(it.path) }
        target.graphs.forEach { checkPath(it.file) }
        target.weights?.let(::checkPath)
    }
}

private fun checkPath(path: String) {
    val leads = path.splitToSequence('/').any { it.isEmpty() || it == "." || it == ".." }
    requireConsistent(!leads, Fault(ErrorCode.BUNDLE_PATH_OUTSIDE, "path" to path)) {
        "the path $path is not relative, or does not stay inside the bundle"
    }
}

/** What graphs use is in their target's list of files, which has each path once; files of one path are one file. */
internal fun checkFiles(manifest: Manifest) {
    for (target in manifest.targets.values) checkListed(target)
    val one = HashMap<String, FileRecord>()
    val all = manifest.targets.values.flatMap { it.files } + manifest.golden.file
    for (file in all) {
        // Some file systems do not tell upper from lower case.
        val other = one.getOrPut(file.path.lowercase(Locale.ROOT)) { file }
        requireConsistent(isSame(file, other)) { "the files ${other.path} and ${file.path} are one path with different content" }
    }
}

private fun isSame(
    one: FileRecord,
    other: FileRecord,
) = one.path == other.path && one.bytes == other.bytes && one.sha256 == other.sha256

private fun checkListed(target: Target) {
    requireDistinct(target.files.map { it.path }, "file of target ${target.name}")
    val paths = target.files.mapTo(TreeSet()) { it.path }
    for (graph in target.graphs) {
        requireConsistent(graph.file in paths || isPackage(graph.file, paths)) { notListed(target, graph.file) }
    }
    requireConsistent(target.weights == null || target.weights in paths) { notListed(target, target.weights) }
}

/** Whether a path is a directory of listed files. */
private fun isPackage(
    path: String,
    paths: TreeSet<String>,
) = paths.ceiling("$path/")?.startsWith("$path/") == true

private fun notListed(
    target: Target,
    path: String?,
) = "target ${target.name} uses $path, which its list of files lacks"
