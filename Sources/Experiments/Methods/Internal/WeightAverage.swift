import ECLMCore
import Learning

/// The weighted mean of what devices trained, part by part.
///
/// A device adds only the parts that it has: a nested slice adds its first modules, and so each module becomes the mean
/// over the devices that held it (HeteroFL, Diao et al. 2021, equation 3). Sums are in double precision and in the order
/// of the calls.
struct WeightAverage {
    /// A tensor's sum, and the weight that went into each of its rows.
    fileprivate struct Sum {
        var name: String
        var values: [Double]
        var rowWeights: [Double]
    }

    private var sums: [ModuleSlot: [Sum]] = [:]

    /// Adds a device's weights.
    ///
    /// - Parameters:
    ///   - weight: At least 0: a sample count, or 1.
    ///   - headRows: The classes whose rows of the head count; `nil` for all.
    mutating func add(_ weights: NetworkWeights, weight: Double, headRows: [Bool]? = nil) throws {
        for (slot, part) in weights.tensors where slot.kind != .selector {
            let rows = slot.kind == .head ? headRows : nil
            if sums[slot] == nil {
                sums[slot] = part.entries.map {
                    Sum(
                        name: $0.name,
                        values: [Double](repeating: 0, count: $0.values.count),
                        rowWeights: [Double](repeating: 0, count: $0.shape.first ?? 1))
                }
            }
            try sums[slot]?.add(part, slot, weight: weight, rows: rows)
        }
    }

    /// The mean; parts and rows that nobody trained stay as they are in `base`.
    ///
    /// - Throws: ``ExperimentError`` with `aggregation` where `base` has other tensors than the devices.
    func mean(over base: NetworkWeights) throws -> NetworkWeights {
        var result = base
        for (slot, sums) in sums {
            guard var part = base.tensors[slot], sums.fit(part) else {
                throw ExperimentError(.aggregation, "\(slot.defaultName) has other tensors than what devices trained")
            }
            for (number, sum) in sums.enumerated() { sum.write(to: &part.entries[number].values) }
            result.tensors[slot] = part
        }
        return result
    }
}

extension WeightAverage.Sum {
    fileprivate func write(to values: inout [Float]) {
        let stride = values.count / max(1, rowWeights.count)
        for (row, weight) in rowWeights.enumerated() where weight > 0 {
            for index in row * stride..<(row + 1) * stride { values[index] = Float(self.values[index] / weight) }
        }
    }
}

extension [WeightAverage.Sum] {
    fileprivate func fit(_ part: ModuleTensors) -> Bool {
        part.entries.count == count
            && zip(part.entries, self).allSatisfy { $0.name == $1.name && $0.values.count == $1.values.count }
    }

    fileprivate mutating func add(
        _ part: ModuleTensors, _ slot: ModuleSlot, weight: Double, rows: [Bool]?
    ) throws {
        guard fit(part) else {
            throw ExperimentError(.aggregation, "two devices sent \(slot.defaultName) in different shapes")
        }
        for (number, entry) in part.entries.enumerated() {
            let rowCount = self[number].rowWeights.count
            if let rows, rows.count != rowCount {
                throw ExperimentError(
                    .aggregation, "\(rows.count) classes are flagged, \(slot.defaultName) has \(rowCount) rows")
            }
            let stride = entry.values.count / rowCount
            for row in 0..<rowCount where rows?[row] ?? true {
                self[number].rowWeights[row] += weight
                for index in row * stride..<(row + 1) * stride {
                    self[number].values[index] += weight * Double(entry.values[index])
                }
            }
        }
    }
}
