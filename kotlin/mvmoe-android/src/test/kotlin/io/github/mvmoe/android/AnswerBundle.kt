package io.github.mvmoe.android

import java.io.File

/** A bundle of `tests/conformance/answers`, which has real graphs. */
internal val ANSWER_BUNDLE = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/dispatch")

/** The files of a folder by their paths. */
internal fun filesOf(folder: File): Map<String, List<Byte>> =
    folder.walk().filter { it.isFile }.associate { it.relativeTo(folder).path to it.readBytes().toList() }
