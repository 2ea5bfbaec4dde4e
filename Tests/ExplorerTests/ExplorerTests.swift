import Testing

@Suite struct ExplorerTests {}
