// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Numeric code is optimised in debug builds too: unoptimised, the tests' loops take minutes.
let optimised: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// One source directory, built once per instruction set; the copies are directory symlinks.
///
/// Whole modules in debug builds too: file by file, the one-line helpers of other files become calls
/// and every vector travels through memory. One "thread" makes the compiler write the one object a
/// file that a debug build expects.
func microKernels(_ name: String, _ define: String, _ architecture: [String]) -> Target {
  .target(
    name: name, dependencies: ["Intrinsics"],
    swiftSettings: strict + [
      .define(define), .unsafeFlags(["-O"] + architecture),
      .unsafeFlags(
        ["-disable-batch-mode", "-whole-module-optimization", "-num-threads", "1"],
        .when(configuration: .debug)),
    ])
}

#if arch(x86_64)
  let level4 = ["-Xcc", "-march=x86-64-v4"]
  let level3 = ["-Xcc", "-march=x86-64-v3"]
#else
  let level4: [String] = []
  let level3: [String] = []
#endif

let package = Package(
  name: "sparsity-tui",
  products: [
    .executable(name: "sparsity-tui", targets: ["sparsity-tui"]),
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "Experiments", targets: ["Experiments"]),
    .library(name: "Pruning", targets: ["Pruning"]),
    .library(name: "Kernels", targets: ["Kernels"]),
    .library(name: "Benchmarking", targets: ["Benchmarking"]),
    .library(name: "Encoder", targets: ["Encoder"]),
    .library(name: "Training", targets: ["Training"]),
    .library(name: "Laboratory", targets: ["Laboratory"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
  ],
  targets: [
    // Ground: no imports of ours.
    .target(name: "Intrinsics"),
    .target(
      name: "Tensors", dependencies: [.product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: optimised),
    microKernels("MicroKernels512", "AVX512", level4),
    microKernels("MicroKernels256", "AVX2", level3),
    microKernels("MicroKernelsPortable", "PORTABLE", []),

    // Vocabulary: what both the face and the engine speak.
    .target(name: "Experiments", swiftSettings: strict),

    // Engine.
    .target(
      name: "Kernels",
      dependencies: [
        "Tensors", "Experiments", "Intrinsics", "MicroKernels512", "MicroKernels256",
        "MicroKernelsPortable",
      ],
      swiftSettings: optimised),
    .target(
      name: "Pruning",
      dependencies: [
        "Tensors", "Experiments", "Kernels", "Intrinsics", "MicroKernels512", "MicroKernels256",
        "MicroKernelsPortable",
      ],
      swiftSettings: optimised),
    .target(name: "Benchmarking", dependencies: ["Experiments"], swiftSettings: optimised),
    .target(
      name: "Encoder",
      dependencies: [
        "Tensors", "Experiments", "Kernels", "MicroKernels512", "MicroKernels256",
        "MicroKernelsPortable",
      ],
      swiftSettings: optimised),
    .target(
      name: "Training",
      dependencies: [
        "Tensors", "Experiments", "Kernels", "Pruning", "Encoder", "MicroKernels512",
        "MicroKernels256", "MicroKernelsPortable",
      ],
      swiftSettings: optimised),
    .target(
      name: "Laboratory",
      dependencies: [
        "Tensors", "Experiments", "Kernels", "Pruning", "Benchmarking", "Encoder", "Training",
      ],
      swiftSettings: optimised),

    // Face.
    .target(name: "CellUI", swiftSettings: strict),
    .target(name: "Explorer", dependencies: ["Experiments", "CellUI"], swiftSettings: strict),
    .target(
      name: "CTerminal",
      linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
    .target(name: "Terminal", dependencies: ["CTerminal", "CellUI"], swiftSettings: strict),

    // Commands.
    .executableTarget(
      name: "sparsity-tui",
      dependencies: [
        "Explorer", "CellUI", "Terminal", "Experiments", "Laboratory",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .testTarget(name: "TensorsTests", dependencies: ["Tensors"], swiftSettings: optimised),
    .testTarget(name: "ExperimentsTests", dependencies: ["Experiments"], swiftSettings: strict),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "Tensors", "Experiments"],
      swiftSettings: optimised),
    .testTarget(
      name: "PruningTests", dependencies: ["Pruning", "Tensors", "Experiments", "Kernels"],
      swiftSettings: optimised),
    .testTarget(
      name: "BenchmarkingTests", dependencies: ["Benchmarking", "Experiments"],
      swiftSettings: strict),
    .testTarget(
      name: "EncoderTests", dependencies: ["Encoder", "Tensors", "Experiments", "Kernels"],
      swiftSettings: optimised),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Encoder", "Tensors", "Experiments", "Kernels", "Pruning"],
      swiftSettings: optimised),
    .testTarget(
      name: "LaboratoryTests",
      dependencies: [
        "Laboratory", "Tensors", "Experiments", "Kernels", "Pruning", "Benchmarking", "Encoder",
        "Training",
      ],
      swiftSettings: strict),
    .testTarget(name: "CellUITests", dependencies: ["CellUI"], swiftSettings: strict),
    .testTarget(
      name: "ExplorerTests", dependencies: ["Explorer", "CellUI", "Experiments"],
      exclude: ["Frames"], swiftSettings: strict),
    // Shows what reaches a program through Terminal; the end-to-end tests run it.
    .executableTarget(
      name: "TerminalProbe", dependencies: ["CellUI", "Terminal"], path: "Tests/TerminalProbe",
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["sparsity-tui", "TerminalProbe", "CellUI", "Terminal"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
