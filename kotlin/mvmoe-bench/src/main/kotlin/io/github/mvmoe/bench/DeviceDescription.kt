package io.github.mvmoe.bench

import io.github.mvmoe.bench.subjects.SUBJECT_KINDS

/**
 * What a device is and can do, as `mvmoe bench` asks for it before it orders anything.
 *
 * @property device which of the devices of `mvmoe bench` it is: `android`, `jvm`.
 * @property java the virtual machine with its version, for people.
 * @property abi the processor's instructions, as Android calls them: `arm64-v8a`.
 * @property variants how it runs which format, the usual way of each format first.
 * @property packages versions by name.
 * @property identity what else it says of itself, in plain data: `cpu`, `cores_logical`, `memory_bytes`, `os`, ...
 */
public class DeviceDescription
    @JvmOverloads
    constructor(
        public val device: String,
        public val java: String,
        public val abi: String,
        public val variants: List<EngineVariant>,
        public val packages: Map<String, String>,
        public val identity: Map<String, Any?> = emptyMap(),
    ) {
        /**
         * It as a JSON object: `java`, `abi`, `engines` (by format the usual one), `variants` (by format all of them), `packages`,
         * `subjects` (the kinds that orders may name) and `identity`.
         */
        public fun toJson(): String =
            jsonText(
                linkedMapOf(
                    "java" to java,
                    "abi" to abi,
                    "engines" to byFormat().mapValues { (_, ways) -> ways.first().requested },
                    "variants" to byFormat(),
                    "packages" to packages,
                    "subjects" to SUBJECT_KINDS.keys.toList(),
                    "identity" to identity,
                ),
            )

        /** What a results file says of it. */
        internal fun asIdentity(): Map<String, Any?> = identity + linkedMapOf("java" to java, "abi" to abi, "packages" to packages)

        private fun byFormat(): Map<String, List<EngineVariant>> = variants.groupBy { it.format }
    }
