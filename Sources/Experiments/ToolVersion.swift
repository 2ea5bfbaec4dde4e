/// The version written into results, sessions and files.
public let toolVersion = "0.1.0"
