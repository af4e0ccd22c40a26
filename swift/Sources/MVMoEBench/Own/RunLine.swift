import Foundation
import MVMoE

/// The first line of a results file: what was measured, on what, how.
struct RunLine: Line {
  private static let oneProcess =
    "all repeats ran in one process, the device's own: they differ less than those of mvmoe bench"

  let bundle: ModelBundle
  let inputs: GoldenInputs
  let device: DeviceDescription
  let subjects: [OwnSubject]
  let settings: OwnRunSettings
  private let id = UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
  private let started = Date()

  init(
    bundle: ModelBundle, inputs: GoldenInputs, device: DeviceDescription, subjects: [OwnSubject],
    settings: OwnRunSettings
  ) {
    self.bundle = bundle
    self.inputs = inputs
    self.device = device
    self.subjects = subjects
    self.settings = settings
  }

  var plain: PlainData {
    [
      "kind": "run", "schema": "mvmoe-bench", "version": 1, "id": .text(id),
      "started": .text(started.formatted(.iso8601)), "device": .text(device.device), "identity": device.plain,
      "preset": settings.preset.plain, "seed": 0, "threads": .integer(settings.threads), "inputs": given,
      "bundles": [BundleRecord(name: name, bundle: bundle).plain], "subjects": .list(subjects.map(plain)),
      "notes": [.text(Self.oneProcess)],
    ]
  }

  private var given: PlainData {
    [
      "source": "golden vectors", "images": .integer(inputs.images.count), "sha256": .text(inputs.sha256),
      "forced": false, "distribution": nil, "order": "name",
    ]
  }

  private func plain(_ subject: OwnSubject) -> PlainData {
    [
      "key": .text(subject.key), "name": .text(OwnSubject.kind), "bundle": .text(name), "target": .text(subject.target),
      "requested": subject.variant.requested.plain, "threads": .integer(settings.threads),
    ]
  }

  /// An app's copy lies in a folder that is called as the manifest's hash, below one that has the bundle's name.
  private var name: String {
    let isCopy = bundle.root.lastPathComponent == bundle.manifestSHA256
    let folder = (isCopy ? bundle.root.deletingLastPathComponent() : bundle.root).lastPathComponent
    let name = folder.hasSuffix(".mvmoe") ? String(folder.dropLast(".mvmoe".count)) : folder
    return name.isEmpty ? "bundle" : name
  }
}
