import Aggregation
import ECLMCore
import Registry

extension ModuleVersionRecord {
    /// The version's weights.
    var aggregationBase: AggregationBase {
        AggregationBase(
            module: module, kind: slot.kind, file: ModuleFile(digest: digest, size: costs.bytes), tensors: tensors,
            label: "version \(version) of \(module) in \(model)")
    }
}
