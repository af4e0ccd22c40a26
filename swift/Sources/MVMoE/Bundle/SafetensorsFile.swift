import Foundation

/// A [safetensors](https://github.com/huggingface/safetensors) file: 8 bytes with the length of a JSON header, the header, and
/// the tensors without a gap.
package struct SafetensorsFile: Sendable {
  /// The types and shapes of the tensors, in the order of the header.
  var types: [(name: String, type: Kind)] { places.map { ($0.name, $0.place.kind) } }

  private let opened: OpenFile
  private let root: URL
  private let path: String
  private let start: Int
  private let places: [(name: String, place: Place)]
  private let placeOf: [ExactText: Place]

  /// A tensor's type and shape.
  struct Kind: Sendable, Equatable {
    /// The type as the header has it: `F32`.
    let dtype: String

    /// The sizes.
    let shape: [Int]

    /// Saturated, as a header may claim anything.
    var bytes: Int { saturatedProduct(elementCount(of: shape), SafetensorsFile.size(of: dtype)) }
  }

  /// Where a tensor is, from the end of the header on.
  private struct Place: Sendable {
    let kind: Kind
    let from: Int
    let until: Int
  }

  /// Reads the header of the golden vectors whose content was checked.
  ///
  /// - Throws: ``MVMoEError`` with the code `bundle.golden-invalid` for anything but a whole and sound file.
  init(_ opened: OpenFile, _ record: FileRecord, _ root: URL) throws {
    let length = try Self.readHeaderLength(opened, record, root)
    let header = try readingFile(root, record.path) { try opened.bytes(from: Self.lengthBytes, count: length) }
    do {
      places = try Self.parse(header)
      try Self.requireWithoutGaps(places.map(\.place), bytes: record.bytes - Self.lengthBytes - length)
    } catch let error as MVMoEError {
      throw Self.damaged(root, "their header is wrong: \(error.message)", cause: error)
    }
    placeOf = Dictionary(places.map { (ExactText($0.name), $0.place) }) { first, _ in first }
    start = Self.lengthBytes + length
    path = record.path
    self.opened = opened
    self.root = root
  }

  /// The bytes of one of the `rows` of a tensor that is there.
  func row(_ name: String, _ index: Int, of rows: Int) throws -> [UInt8] {
    try readingFile(root, path) {
      guard let place = placeOf[ExactText(name)], rows > 0, (0..<rows).contains(index) else {
        throw FileError("it has no row \(index) of \(name)")
      }
      let count = place.kind.bytes / rows
      return try opened.bytes(from: start + place.from + index * count, count: count)
    }
  }
}

extension SafetensorsFile {
  /// The file at a path, whose tensors nobody has said anything of.
  ///
  /// - Throws: ``MVMoEError`` for anything but a whole and sound file.
  package static func open(_ file: URL) throws -> SafetensorsFile {
    let (folder, name) = (file.deletingLastPathComponent(), file.lastPathComponent)
    let opened = try PlainFiles(folder).open(name)
    let size = try readingFile(folder, name) { try opened.identity().size }
    return try SafetensorsFile(opened, FileRecord(path: name, bytes: size, sha256: ""), folder)
  }

  /// The shape of a tensor; nil where it is not there.
  package func shape(of name: String) -> [Int]? { placeOf[ExactText(name)]?.kind.shape }

  /// The fp32 numbers of one of the `rows` of a tensor that is there.
  package func floats(_ name: String, _ index: Int, of rows: Int) throws -> [Float] {
    try row(name, index, of: rows).withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count - 3, by: 4).map { place in
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
      }
    }
  }
}

extension SafetensorsFile.Kind: CustomStringConvertible {
  var description: String { "\(dtype) \(brief(shape))" }
}

extension SafetensorsFile {
  private static let mostHeaderBytes = 1 << 20
  private static let lengthBytes = 8
  private static let metadata = ExactText("__metadata__")
  private static let anyName = TextForm("a text", lengths: Field.anySize) { _ in true }

  /// Bytes of one number of each type that there is; golden vectors have two of them.
  private static let sizes: KeyValuePairs = [
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
    "U32": 4,
    "F32": 4, "F64": 8, "I64": 8, "U64": 8,
  ]

  private static func size(of dtype: String) -> Int { sizes.first { $0.key == dtype }?.value ?? 0 }

  private static func readHeaderLength(_ opened: OpenFile, _ record: FileRecord, _ root: URL) throws -> Int {
    let most = min(mostHeaderBytes, record.bytes - lengthBytes)
    let length = try readingFile(root, record.path) {
      try opened.bytes(from: 0, count: min(record.bytes, lengthBytes)).reversed().reduce(UInt64(0)) {
        $0 << 8 | UInt64($1)
      }
    }
    guard let length = Int(exactly: length), length <= most else {
      let claim = "their header would have \(length) bytes of the file's \(record.bytes)"
      throw damaged(root, "\(claim); at most \(mostHeaderBytes) are read")
    }
    return length
  }

  private static func parse(_ header: [UInt8]) throws -> [(name: String, place: Place)] {
    let root = Field(value: try StrictJSON.parse(header), path: "$")
    let members = try root.named(keys: anyName) { name, field in
      ExactText(name) == metadata ? nil : try field.record(readPlace)
    }
    return members.compactMap { name, place in place.map { (name, $0) } }
  }

  private static func readPlace(_ fields: Fields) throws -> Place {
    let dtype = try fields.oneOf("dtype", sizes.map(\.key))
    let shape = try fields.list("shape") { try $0.int(0...Int(Int32.max)) }
    let offsets = try fields.list("data_offsets", 2...2) { try $0.int(0...Int.max) }
    return Place(kind: Kind(dtype: dtype, shape: shape), from: offsets[0], until: offsets[1])
  }

  /// Every tensor begins where the one before it ends, has the bytes of its shape, and the last ends with the file.
  private static func requireWithoutGaps(_ places: [Place], bytes: Int) throws {
    var end = 0
    for place in places.sorted(by: { ($0.from, $0.until) < ($1.from, $1.until) }) {
      let isHere = place.from == end && place.until >= end && place.until - end == place.kind.bytes
      if !isHere {
        throw inconsistent("a tensor \(place.kind) is at \(place.from) to \(place.until), where \(end) is expected")
      }
      end = place.until
    }
    if end != bytes { throw inconsistent("tensors end at \(end) of \(bytes) bytes") }
  }

  private static func damaged(_ root: URL, _ reason: String, cause: (any Error)? = nil) -> MVMoEError {
    MVMoEError(
      .bundleGoldenInvalid, "the golden vectors of bundle \(root.path) are damaged: \(reason); export the bundle again",
      cause: cause)
  }
}
