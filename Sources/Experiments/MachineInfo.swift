/// The machine that measurements were taken on.
public struct MachineInfo: Codable, Hashable, Sendable {
  /// Stable short hash of CPU, caches and host name: no address, no user name.
  public var hostID: String
  public var cpuModel: String
  /// `avx512`, `avx2` or `portable`: what the kernels use.
  public var isa: String
  public var cores: Int
  public var threadsPerCore: Int
  /// Data caches in bytes, 0 where unknown.
  public var l1Bytes: Int
  public var l2Bytes: Int
  public var l3Bytes: Int
  public var memoryBytes: Int
  public var governor: String?
  /// CPUs the control group allows, nil without a quota.
  public var quota: Double?
  public var loadAverage: Double?
  public var kernelRelease: String
  public var virtualMachine: Bool
  /// Measured ceilings, nil before they were measured.
  public var ceilings: MachineCeilings?

  public init(
    hostID: String, cpuModel: String, isa: String, cores: Int, threadsPerCore: Int, l1Bytes: Int,
    l2Bytes: Int, l3Bytes: Int, memoryBytes: Int, governor: String?, quota: Double?,
    loadAverage: Double?, kernelRelease: String, virtualMachine: Bool,
    ceilings: MachineCeilings? = nil
  ) {
    self.hostID = hostID
    self.cpuModel = cpuModel
    self.isa = isa
    self.cores = cores
    self.threadsPerCore = threadsPerCore
    self.l1Bytes = l1Bytes
    self.l2Bytes = l2Bytes
    self.l3Bytes = l3Bytes
    self.memoryBytes = memoryBytes
    self.governor = governor
    self.quota = quota
    self.loadAverage = loadAverage
    self.kernelRelease = kernelRelease
    self.virtualMachine = virtualMachine
    self.ceilings = ceilings
  }

  /// Whether other programs keep the processors busy: more is running than 0.6 a processor, and more
  /// than `threads` of this program's own explain.
  public func isBusy(threads: Int) -> Bool {
    guard let loadAverage else { return false }
    return loadAverage > max(0.6 * Double(cores), Double(threads) + 0.6)
  }
}

/// What one core was measured to reach.
public struct MachineCeilings: Codable, Hashable, Sendable {
  /// F32 fused multiply-adds, floating-point operations a second.
  public var peakFlops: Double
  /// Read bandwidths, bytes a second.
  public var l1Bandwidth: Double
  public var l2Bandwidth: Double
  public var l3Bandwidth: Double
  public var memoryBandwidth: Double
  /// Share of the peak the best dense kernel reaches at 768x768, 128 tokens.
  public var denseShare: Double
  public var denseKernel: String

  public init(
    peakFlops: Double, l1Bandwidth: Double, l2Bandwidth: Double, l3Bandwidth: Double,
    memoryBandwidth: Double, denseShare: Double, denseKernel: String
  ) {
    self.peakFlops = peakFlops
    self.l1Bandwidth = l1Bandwidth
    self.l2Bandwidth = l2Bandwidth
    self.l3Bandwidth = l3Bandwidth
    self.memoryBandwidth = memoryBandwidth
    self.denseShare = denseShare
    self.denseKernel = denseKernel
  }
}
