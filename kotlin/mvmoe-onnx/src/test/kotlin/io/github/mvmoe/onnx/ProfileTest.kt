package io.github.mvmoe.onnx

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

/** Lines as ONNX Runtime 1.29 writes them: blanks before colons, arguments in any order. */
class ProfileTest {
    private fun node(
        name: String,
        arguments: String,
    ) = """{"cat" : "Node","pid" :7,"tid" :7,"dur" :12,"ts" :16,"ph" : "X","name" :"$name","args" : {$arguments}},"""

    private val lines =
        listOf(
            "[",
            """{"cat" : "Session","pid" :7,"tid" :7,"dur" :9,"ts" :1,"ph" : "X","name" :"model_run","args" : {}},""",
            node("nnapi_1_kernel_time", """"op_name" : "Nnapi_1","provider" : "NnapiExecutionProvider""""),
            node("gelu_fence_before", """"op_name" : "Gelu""""),
            node("gelu_kernel_time", """"provider" : "CPUExecutionProvider","op_name" : "Gelu""""),
            node("gelu_2_kernel_time", """"op_name" : "Gelu","provider" : "CPUExecutionProvider""""),
            node("nnapi_2_kernel_time", """"op_name" : "Nnapi_2","provider" : "NnapiExecutionProvider""""),
            node("erf_kernel_time", """"op_name" : "Erf","provider" : "CPUExecutionProvider""""),
            "]",
        )

    @Test
    fun `pieces of an accelerator are counted beside what fell back`() {
        val placement = Profile.placement(lines.asSequence(), preferred = "NNAPI")
        assertEquals(mapOf("Nnapi" to 2, "CPU" to 3), placement.byUnit)
        assertEquals(mapOf("Gelu" to 2, "Erf" to 1), placement.outside)
    }

    @Test
    fun `nothing is outside where the CPU was asked for`() {
        val placement = Profile.placement(lines.filter { "Nnapi" !in it }.asSequence(), preferred = "CPU")
        assertEquals(mapOf("CPU" to 3), placement.byUnit)
        assertEquals(emptyMap(), placement.outside)
    }
}
