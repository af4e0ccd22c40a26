package io.github.mvmoe.documentation

import java.io.File

/** The blocks of a page of documentation that are in a language, in their order. */
internal fun blocks(
    page: String,
    language: String,
): List<String> {
    val text = File(System.getProperty("mvmoe.repository"), page).readText()
    return Regex("^```$language\n(.*?)^```$", setOf(RegexOption.MULTILINE, RegexOption.DOT_MATCHES_ALL))
        .findAll(text)
        .map { it.groupValues[1] }
        .toList()
}
