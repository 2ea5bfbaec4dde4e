/// Frames as text, where they are too large to stand beside their test.
enum Snapshots {
  static let scatter = """
    error
     1.0┤·slower · ⠘
        │  ·   ·   ⠘                           ▲
     0.8┤·   ·   · ⠘                           ⡇
        │  ·   ·   ⠘                           ⡇
     0.6┤·   ·   · ⠘                           ⡇
        │  ·   ·   ⠘                           ⡇
        │·   ·   · ⠘                           ⡇
     0.4┤  ·   ·   ⠘                           ⡇
        │·   ·   · ⠘        ⠒⠒●⠒32x1⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠃
     0.2┤  ·   ·   ⠘          ⢸
        │·   ·   · ●⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠼
     0.0┤  ·   ·   ⠘dense
        └┴─────────┴──────────┴─────────────┴───────
       0.5x       1x         2x            5x
                                             speedup
    """
}
