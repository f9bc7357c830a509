import ECLMCore

/// What an optimizer remembers since it made a version: a safetensors file that has, of each floating-point tensor `NAME`
/// of the version, `m.NAME` and, for the adaptive ones, `v.NAME`, as F64 for F64 and as F32 for all others.
package struct OptimizerState: Sendable {
    /// The optimizer's name.
    package var optimizer: String
    /// Steps since the optimizer began.
    package var step: Int
    package var file: ModuleFile

    package init(optimizer: String, step: Int, file: ModuleFile) {
        self.optimizer = optimizer
        self.step = step
        self.file = file
    }

    /// A tensor of the file.
    static func tensor(_ moment: String, of tensor: TensorDescription) -> TensorDescription {
        TensorDescription(
            name: "\(moment).\(tensor.name)", dtype: tensor.dtype == .f64 ? .f64 : .f32, shape: tensor.shape)
    }
}
