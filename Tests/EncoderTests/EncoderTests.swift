import Testing

@Suite struct EncoderTests {}
