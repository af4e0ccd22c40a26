package org.pytorch.executorch

class ExecutorchRuntimeException(
    errorCode: Int,
    details: String,
) : RuntimeException("[Executorch Error 0x${errorCode.toString(16)}] ${WORDS[errorCode]}: $details\n Detailed logs:\nof several lines") {
    companion object {
        private val WORDS =
            mapOf(
                0x12 to "Invalid argument",
                0x20 to "Resource not found",
                0x21 to "Memory allocation failed",
                0x23 to "Invalid program",
            )

        @JvmStatic
        fun makeExecutorchException(
            errorCode: Int,
            details: String,
        ): RuntimeException = ExecutorchRuntimeException(errorCode, details)
    }
}
