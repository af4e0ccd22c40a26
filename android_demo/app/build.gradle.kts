plugins {
    alias(libs.plugins.android.application)
}

val versions = libs.versions

android {
    namespace = "io.github.mvmoe.demo"
    compileSdk = versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "io.github.mvmoe.demo"
        minSdk = versions.minSdk.get().toInt()
        targetSdk = versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        // Phones, and the emulator of a PC: each ABI brings all of the engine's libraries.
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    androidResources {
        // The weights of a bundle hardly shrink.
        noCompress += listOf("bin", "data", "npy", "onnx", "pte", "safetensors")
    }

    packaging {
        // A phone maps them out of the APK, on pages of 4 and of 16 KB.
        jniLibs.useLegacyPackaging = false
    }
}

dependencies {
    implementation(libs.mvmoe.android)
    implementation(libs.mvmoe.bench)
    // Add org.pytorch:executorch-android to measure ExecuTorch's targets, too.
    implementation(libs.mvmoe.executorch)
    implementation(libs.mvmoe.onnx)
    implementation(libs.onnxruntime.android)
    implementation(libs.coroutines.android)
}
