import Datasets
import Foundation
import Testing

@Suite("A task is not made")
struct BadDataTests {
    private let directory: DataDirectory

    init() throws { directory = try DataDirectory() }

    private func make(_ settings: TaskSettings) -> DatasetError.Code? {
        code { try FederatedTask.make(settings, directory: directory.path) }
    }

    private let har = TaskSettings(dataset: .har, skew: .user, samples: 4...7)
    private let images = TaskSettings(dataset: .images, skew: .classes(2), devices: 2, samples: 10...15)
    private let speech = TaskSettings(dataset: .speech, skew: .classes(2), devices: 2, samples: 4...6)

    @Test("without its file, and the error says where it comes from")
    func missing() throws {
        for settings in [har, images, speech] {
            let error = try #require(throws: DatasetError.self) {
                try FederatedTask.make(settings, directory: directory.path)
            }
            #expect(error.code == .missingFile)
            #expect(error.message.contains("make data"))
        }
    }

    @Test("of a file that is cut or is something else")
    func damaged() throws {
        try directory.writeHar()
        let url = URL(fileURLWithPath: directory.path + "/har.safetensors")
        let bytes = try Data(contentsOf: url)
        try bytes.prefix(bytes.count / 2).write(to: url)
        #expect(make(har) == .invalidFile)
        try Data("no tensors".utf8).write(to: url)
        #expect(make(har) == .invalidFile)
        try Data().write(to: url)
        #expect(make(har) == .invalidFile)
    }

    @Test("of a file that lacks a tensor, or has one of another shape")
    func shapes() throws {
        try directory.writeHar { $0.removeLast() }
        #expect(make(har) == .invalidFile)
        try directory.writeHar { $0[0] = .floats("windows", [1, 128, 3], [Float](repeating: 1, count: 384)) }
        #expect(make(har) == .wrongShape)
        try directory.writeHar { $0[1] = .bytes("labels", [3], [0, 1, 2]) }
        #expect(make(har) == .wrongShape)
        try directory.writeImages { $0[1] = .floats("train_labels", [400], [Float](repeating: 0, count: 400)) }
        #expect(make(images) == .wrongShape)
        try directory.writeSpeech { $0[0].shape = [100 * 92, 13] }
        #expect(make(speech) == .wrongShape)
    }

    @Test("of labels beyond the classes, or of classes without examples")
    func labels() throws {
        try directory.writeHar { $0[1].bytes[5] = 3 }
        #expect(make(har) == .labelOutOfRange)
        try directory.writeHar(classes: "a,b,c,d")
        #expect(make(har) == .tooFewClasses)
        try directory.writeHar(classes: "a")
        #expect(make(har) == .tooFewClasses)
        try directory.writeImages { $0[3].bytes = [UInt8](repeating: 1, count: 120) }
        #expect(make(images) == .tooFewClasses)
    }

    @Test("of values that are not finite, or of impossible lengths")
    func values() throws {
        let nan = withUnsafeBytes(of: Float.nan) { Array($0) }
        try directory.writeHar { $0[0].bytes.replaceSubrange(4000..<4004, with: nan) }
        #expect(make(har) == .notFinite)
        try directory.writeSpeech { $0[0].bytes.replaceSubrange(0..<4, with: nan) }
        #expect(make(speech) == .notFinite)
        try directory.writeSpeech { $0[1].bytes[9] = 93 }
        #expect(make(speech) == .invalidFile)
        try directory.writeHar { $0[3].bytes[0] = 61 }
        #expect(make(har) == .invalidFile)
    }

    @Test("of too few examples")
    func tooFew() throws {
        try directory.writeHar(users: 3)
        #expect(make(har) == .tooFewExamples)
        try directory.writeHar { $0[3].bytes = $0[2].bytes }
        #expect(make(har) == .tooFewExamples)
        try directory.writeImages(perClass: 1, testPerClass: 1)
        #expect(make(images) == .tooFewExamples)
    }

    @Test("of settings that make no sense")
    func settings() throws {
        try directory.writeImages()
        let wrong: [(inout TaskSettings) -> Void] = [
            { $0.skew = .user }, { $0.skew = .classes(0) }, { $0.skew = .classes(5) }, { $0.skew = .dirichlet(0) },
            { $0.skew = .dirichlet(.nan) }, { $0.devices = 0 }, { $0.devices = 20_000 }, { $0.samples = 0...5 },
            { $0.samples = 5...100_000 }, { $0.proxyShare = 1 }, { $0.proxyShare = .nan }, { $0.budgetShares = [] },
            { $0.budgetShares = [0] }, { $0.budgetShares = [1.5] }, { $0.proxyLimit = 1 }, { $0.proxyLimit = 7 },
            { $0.testLimit = 0 }, { $0 = TaskSettings(dataset: .har, skew: .classes(2)) },
        ]
        #expect(make(images) == nil)
        for (index, change) in wrong.enumerated() {
            var settings = images
            change(&settings)
            #expect(make(settings) == .invalidSettings, "change \(index)")
        }
        let coded = try JSONDecoder().decode(TaskSettings.self, from: JSONEncoder().encode(images))
        #expect(coded == images)
    }
}
