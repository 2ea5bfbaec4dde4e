import ArgumentParser

@main struct SparsityTUI: ParsableCommand {}
