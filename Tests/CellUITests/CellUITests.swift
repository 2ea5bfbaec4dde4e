import Testing

@Suite struct CellUITests {}
