buildscript {
    dependencies {
        // The Android plugin brings an older Kotlin, which cannot read the library.
        classpath(libs.kotlin.gradle.plugin)
    }
}

plugins {
    alias(libs.plugins.android.application) apply false
}
