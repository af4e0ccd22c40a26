package io.github.mvmoe.routing

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.TextForm
import io.github.mvmoe.json.quoted
import io.github.mvmoe.json.shortened

/** The rules that this release knows, by their names in a manifest. Each reads its own fields. */
internal object Rules {
    private val readers: Map<String, (Fields) -> Rule> =
        mapOf(
            Given.NAME to Given::read,
            Threshold.NAME to Threshold::read,
            TopK.NAME to TopK::read,
            TopP.NAME to TopP::read,
        )

    private val anyText = TextForm("a text", 0..Int.MAX_VALUE) { true }

    /**
     * The rule of an object `{"type": "top_k", "experts": 4}`; the caller calls the fields' `end`.
     *
     * @throws BundleException for fields that are not those of the rule (`bundle.manifest-...`), a rule that is not known
     * (`bundle.unknown-rule`), and values that leave no route (`routing.rule-invalid`).
     */
    fun read(fields: Fields): Rule {
        val type = fields.text("type", anyText)
        val reader = readers[type] ?: throw unknown(type, fields)
        try {
            return reader(fields)
        } catch (error: InputException) {
            throw BundleException(error.code, "${fields.path} is no rule that images can follow: ${error.message}", error.fields, error)
        }
    }

    private fun unknown(
        type: String,
        fields: Fields,
    ) = BundleException(
        ErrorCode.BUNDLE_UNKNOWN_RULE,
        "${fields.path} is of the rule ${quoted(type)}; this release has ${readers.keys.joinToString()}: " +
            "use a release that has the rule",
        mapOf("name" to shortened(type), "installed" to readers.keys.toList()),
    )
}
