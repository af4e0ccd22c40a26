# The commands of this repository: `make demo`, `make test` and `make docs`.
# They set everything up in .venv, from nothing.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Before Pillow 13.0 changed the order of its passes: tests compare the bytes of the two.
OTHER_PILLOW := pillow==12.1.1

.PHONY: demo test docs dist trained bench evidence fuzz mutants setup lint clean \
	kotlin-test kotlin-format kotlin-api kotlin-install kotlin-phone kotlin-runner android-apk android-bundle ios-bundle \
	swift-test swift-format swift-api swift-sanitizers swift-runner

demo: setup ## train on real digits, export, answer held-out images
	$(BIN)/mvmoe demo -o demo
	@$(MAKE) --no-print-directory android-bundle
	@echo "the Android demo has this bundle: make android-apk builds the app (docs/android.md)"

docs: setup ## build the documentation as a site in build/site, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: setup ## build the sdist, and the wheel from it, in dist; check both
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

# Kotlin and Swift first: tests in Python run what they have built.
test: setup lint ## lint, import rules, all tests
	@$(MAKE) --no-print-directory kotlin-test
	@$(MAKE) --no-print-directory swift-test
	$(BIN)/pytest -n 2 --dist worksteal tests

# Without Kotlin's daemon, which would stay for hours: a plain mvn uses it, and is faster the second time.
# The app (android_demo) is one of its modules where an aapt2 of Android compiles resources.
AAPT2 := $(shell command -v aapt2)
MAVEN := mvn --batch-mode --no-transfer-progress --quiet --file kotlin/pom.xml \
	-Dmvmoe.repository=$(CURDIR) -Dkotlin.compiler.daemon=false $(if $(AAPT2),-Daapt2=$(AAPT2))

# What the app answers with: digits, and all experts beside it. Of make demo's model; the tests need no model as good as that.
ANDROID_BUNDLE := android_demo/app/src/main/assets/digits.mvmoe
TRAINED = $(firstword $(wildcard demo/training/super-class) build/digits/super-class)

trained: setup
	@[ -d $(TRAINED) ] || $(BIN)/mvmoe train --data digits --dense-epochs 20 --moe-epochs 20 --resume -o build/digits

android-bundle: trained ## export the bundle that the Android demo has in its assets
	@mkdir -p $(dir $(ANDROID_BUNDLE))
	@$(BIN)/mvmoe export $(TRAINED) --name "Mobile V-MoE, digits" --strategy dispatch --strategy all-experts \
		-o $(ANDROID_BUNDLE) --force >/dev/null

ios-bundle: trained ## export the bundle that the iOS demo ships with: ios_demo/put-bundle --help
	ios_demo/put-bundle $(TRAINED)

$(ANDROID_BUNDLE)/manifest.json: | setup
	@$(MAKE) --no-print-directory android-bundle

# Kotlin's compiler leaves classes whose sources are gone: each build begins anew.
kotlin-test: $(if $(AAPT2),$(ANDROID_BUNDLE)/manifest.json) ## build and test the Kotlin library, where a JDK and Maven are there
	@lacks=""; \
	[ "$$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')" -ge 17 ] 2>/dev/null \
		|| lacks="a JDK of version 17 or later"; \
	command -v mvn >/dev/null || lacks="$${lacks:+$$lacks and }Maven"; \
	if [ -n "$$lacks" ]; then echo "The Kotlin library was not built: this machine lacks $$lacks."; \
	else \
		$(if $(AAPT2),,echo "The Android demo was not built: this machine lacks aapt2 (Debian's package aapt)."; )\
		$(MAVEN) clean verify; \
	fi

kotlin-format: ## lay out the Kotlin sources as ktlint wants them
	$(MAVEN) --non-recursive spotless:apply
	$(if $(AAPT2),$(MAVEN) --projects ../android_demo spotless:apply)

kotlin-api: ## write the listings of the Kotlin library's public API
	$(MAVEN) clean test --projects published --also-make -Dapi.write \
		-Dtest=ApiListingTest -Dsurefire.failIfNoSpecifiedTests=false

BUNDLES ?= $(wildcard tests/conformance/answers/bundles/*)

kotlin-runner: ## build what mvmoe bench --device jvm runs
	$(MAVEN) --projects mvmoe-runner --also-make package -DskipTests

swift-runner: ## build what mvmoe bench --device swift runs
	swift/tools/with-swift build --configuration release --product mvmoe-runner

kotlin-phone: ## check the Kotlin library on the phone that adb sees: make kotlin-phone BUNDLES=my.mvmoe
	kotlin/phone.sh $(BUNDLES)

android-apk: ## build the Android demo's APK: android_demo/build-apk --help
	android_demo/build-apk

kotlin-install: ## install the Kotlin library to the local Maven repository
	$(MAVEN) clean install -DskipTests

# The iOS demo's logic is tested with the Android demo's bundle.
swift-test: setup ## build and test the Swift package, where Swift is there (Debian: tools/swift-here setup)
	@[ -n "$$(swift/tools/with-swift lacks)" ] || $(MAKE) --no-print-directory $(ANDROID_BUNDLE)/manifest.json
	@swift/tools/check

swift-format: ## lay out the Swift sources as swift format wants them
	@swift/tools/check format

swift-api: setup ## write the listings of the Swift package's public API
	@swift/tools/check api

swift-sanitizers: setup ## test the Swift package's dispatcher for data races and memory errors
	@swift/tools/check sanitizers

# Seconds of each kind of damage; what is found is kept in fuzz-findings.
SECONDS ?= 600

fuzz: setup ## damage files of every kind for a while (tests/fuzz), interrupt every line of a call
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)
	$(BIN)/pytest tests/runtime/test_interrupts.py

mutants: setup ## change one thing at a time (tests/mutants), print what no test notices
	$(BIN)/python tests/mutants/run.py

bench: setup ## measure our own standing (about 40 minutes), write docs/performance.md
	$(BIN)/python -m own_standing.command --work bench -o docs/performance.md

# What was trained stays in the folder of results: with nothing missing only the page is written.
evidence: setup ## train and measure the evidence (hours, resumable), write docs/evidence.md
	$(BIN)/python -m evidence.command --work evidence --jobs 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/mypy swift/tools/api_listing.py

setup: $(READY)

$(READY): pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	rm -rf $(VENV)/pillow-other
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--target $(VENV)/pillow-other "$(OTHER_PILLOW)"
	touch $(READY)

clean:
	rm -rf $(VENV) demo bench evidence build dist fuzz-findings target kotlin/*/target android_demo/target
