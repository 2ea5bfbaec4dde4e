import Testing

@Suite struct PruningTests {}
