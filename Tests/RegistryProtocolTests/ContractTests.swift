import Foundation
import RegistryProtocol
import Testing

@Suite("The contract of a method")
struct ContractTests {
    /// What proto/ says, read without the generator: `service`, `rpc` and `option` lines.
    private struct Declared: Hashable {
        var service: String
        var method: String
        var repeatability = ""
        var roles: [String] = []
        var milliseconds: Int64 = 0
    }

    private func declared() throws -> [Declared] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../proto")
        var all: [Declared] = []
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "proto" {
            var service = ""
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split { " ();".contains($0) }.map(String.init)
                switch words.first {
                case "service": service = "eclm.v1.\(words[1])"
                case "rpc": all.append(Declared(service: service, method: words[1]))
                case "option" where words[1] == "repeatability": all[all.count - 1].repeatability = words[3]
                case "option" where words[1] == "role": all[all.count - 1].roles.append(words[3])
                case "option" where words[1] == "deadline_ms":
                    all[all.count - 1].milliseconds = try #require(Int64(words[3]))
                default: break
                }
            }
        }
        return all
    }

    @Test("is what proto/ says, for every method")
    func options() throws {
        let spellings: [Repeatability: String] = [
            .notRepeatable: "NOT_REPEATABLE", .idempotent: "IDEMPOTENT", .idempotentWithKey: "IDEMPOTENT_WITH_KEY",
        ]
        let generated = try MethodContract.all.map { method in
            Declared(
                service: method.service, method: method.name,
                repeatability: try #require(spellings[method.repeatability]),
                roles: method.roles.map { "ROLE_\($0.rawValue.uppercased())" },
                milliseconds: try #require(method.deadline).components.seconds * 1000)
        }
        #expect(Set(generated) == Set(try declared()))
        #expect(generated.count == 30)
    }

    @Test("reaches the typed method")
    func typed() {
        #expect(ReleaseServiceAPI.publish.repeatability == .notRepeatable)
        #expect(ReleaseServiceAPI.publish.roles == [.publisher])
        #expect(ReleaseServiceAPI.publish.deadline == .seconds(120))
        #expect(UpdateServiceAPI.submit.repeatability == .idempotentWithKey)
        #expect(BlobServiceAPI.put.roles == [.device, .publisher])
        #expect(HealthServiceAPI.check.deadline == .seconds(5))
    }

    @Test("of a method that says nothing: not repeatable, nobody may call, the server's own deadline")
    func silent() {
        let method = RemoteMethod<Wire.CheckRequest, Wire.CheckResponse>(service: "eclm.v1.New", name: "Do")
        #expect(method.repeatability == .notRepeatable && !method.repeatability.isRepeatable)
        #expect(method.roles.isEmpty && method.deadline == nil)
    }

    @Test("never lets moves of a channel be repeated, and everything else")
    func repeatable() {
        let not = MethodContract.all.filter { !$0.repeatability.isRepeatable }.map(\.name)
        #expect(Set(not) == ["Publish", "Rollback", "MoveChannel"])
    }
}
