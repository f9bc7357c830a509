import Adaptation
import CommandSupport
import Learning

/// What `adapt --offline` prints.
struct SwitchDocument: Encodable {
    var model: String
    var release: Int32
    var changed: Bool
    var subset: SubsetPlan.Subset

    init(_ model: AdaptedModel, _ subset: SubsetPlan.Subset, _ changed: Bool) {
        (self.model, release, self.subset, self.changed) = (model.model, model.release, subset, changed)
    }

    func print(to output: CommandOutput) throws {
        try output.result(self) { width in
            (changed ? "switched, without the network\n" : "in use already\n")
                + AdaptDocument.table(of: [subset]).rendered(width: width)
        }
    }
}
