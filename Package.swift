// swift-tools-version: 6.2
// warmline: an attended-transfer call controller. SPDX-License-Identifier: GPL-2.0-or-later

import PackageDescription

/// What a stock libpjproject's headers expect of the programs that include them; `pkg-config --cflags` says the same,
/// but SwiftPM passes no `-D` of a `.pc` file on.
let pjsip: [CSetting] = [
    .define("PJ_AUTOCONF", to: "1"),
    .define("PJ_IS_BIG_ENDIAN", to: "0"),
    .define("PJ_IS_LITTLE_ENDIAN", to: "1"),
]

let strictC: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "warmline",
    products: [
        .executable(name: "warmline", targets: ["warmline"]),
        .executable(name: "testphone", targets: ["testphone"]),
    ],
    targets: [
        .target(
            name: "CTelephony",
            cSettings: pjsip + strictC,
            // /usr/local is where docker/deps.sh installs; the toolchain's linker does not look there by itself.
            linkerSettings: [.unsafeFlags(["-L/usr/local/lib"])]
                + [
                    "pjsip-ua", "pjsip-simple", "pjsip", "pjmedia-codec", "pjmedia", "pjnath", "pjlib-util", "pj",
                    "srtp2", "m",
                ].map { .linkedLibrary($0) }
        ),
        .target(name: "CallEvents", swiftSettings: strict),
        .target(name: "TransferEngine", dependencies: ["CallEvents"], swiftSettings: strict),
        .target(name: "EventLog", dependencies: ["CallEvents"], swiftSettings: strict),
        .target(name: "Metrics", dependencies: ["CallEvents", "EventLog"], swiftSettings: strict),
        .target(
            name: "Controller",
            dependencies: ["CTelephony", "CallEvents", "TransferEngine", "EventLog", "Metrics"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "warmline",
            dependencies: ["Controller", "EventLog", "Metrics", "CallEvents"],
            swiftSettings: strict
        ),
        .executableTarget(name: "testphone", dependencies: ["CTelephony"], swiftSettings: strict),

        .testTarget(name: "CallEventsTests", dependencies: ["CallEvents"], swiftSettings: strict),
        .testTarget(
            name: "TransferEngineTests",
            dependencies: ["TransferEngine", "EventLog", "Metrics"],
            swiftSettings: strict
        ),
        .testTarget(name: "EventLogTests", dependencies: ["EventLog", "CallEvents", "Metrics"], swiftSettings: strict),
        .target(
            name: "LogGenerator",
            dependencies: ["CallEvents", "EventLog"],
            path: "Tests/LogGenerator",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "loggen",
            dependencies: ["LogGenerator"],
            path: "Tests/loggen",
            swiftSettings: strict
        ),
        .testTarget(
            name: "MetricsTests",
            dependencies: ["Metrics", "EventLog", "CallEvents", "LogGenerator"],
            swiftSettings: strict
        ),
        .testTarget(name: "TelephonyTests", dependencies: ["CTelephony"], swiftSettings: strict),
        .testTarget(name: "ControllerTests", dependencies: ["Controller", "warmline"], swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["warmline", "testphone", "EventLog", "Metrics", "CallEvents"],
            exclude: ["Scenarios"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
