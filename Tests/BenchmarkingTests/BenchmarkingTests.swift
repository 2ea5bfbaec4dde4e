import Testing

@Suite struct BenchmarkingTests {}
