pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
        // Until the library is published: make kotlin-install puts it there.
        mavenLocal { content { includeGroup("io.github.mvmoe") } }
    }
}

rootProject.name = "mvmoe-demo"
include(":app")
