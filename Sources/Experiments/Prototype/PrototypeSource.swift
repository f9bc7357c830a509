public import Datasets
import Fleets
public import Learning

extension PrototypeData {
    /// The cloud's part of a federated task.
    ///
    /// - Throws: ``LearningError`` with `data`.
    public init(_ task: FederatedTask) throws {
        // Sub-tasks of which the proxy has no example are left out.
        let present = Set(task.proxySubTasks).sorted()
        let places = Dictionary(uniqueKeysWithValues: present.enumerated().map { ($1, $0) })
        try self.init(
            training: TrainingData(task.proxy), subTasks: task.proxySubTasks.map { places[$0] ?? 0 },
            subTaskNames: present.map { task.subTaskNames[$0] },
            validation: task.proxyValidation.isEmpty ? nil : TrainingData(task.proxyValidation))
    }

    /// Examples of a file; its tensor `sub_tasks` says which sub-task each belongs to, else its class is.
    ///
    /// - Parameters:
    ///   - path: A file as `Examples.write(file:)` writes it.
    ///   - validation: Another one, of other examples.
    /// - Throws: `DatasetError` for files that cannot be read, ``LearningError`` with `data` for what does not fit together.
    public init(file path: String, validation: String? = nil) throws {
        let examples = try Examples.from(file: path)
        let given = try SubTaskFile.read(path, count: examples.count)
        let subTasks = given ?? examples.labels
        let present = Set(subTasks).sorted()
        let places = Dictionary(uniqueKeysWithValues: present.enumerated().map { ($1, $0) })
        try self.init(
            training: TrainingData(examples), subTasks: subTasks.map { places[$0] ?? 0 },
            subTaskNames: present.map { "\(given == nil ? "class" : "sub-task") \($0)" },
            validation: try validation.map { try TrainingData(Examples.from(file: $0)) })
    }
}
