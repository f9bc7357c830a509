import RegistryProtocol
import TestSupport
import Testing

@Suite("Composing for a device that can run no module of a layer")
struct UnsuitableDeviceTests {
    @Test("names the layers, and what the device lacks for their modules", arguments: Transport.allCases)
    func emptyLayers(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            var request = server.manifest()
            for index in request.modules.indices where request.modules[index].slot?.layer == 1 {
                request.modules[index].requirements = Wire.Requirements()
                request.modules[index].requirements?.operators = ["attention"]
                if request.modules[index].slot?.index == 0 { request.modules[index].requirements?.dtypes = ["F64"] }
                if request.modules[index].slot?.index == 1 {
                    request.modules[index].requirements?.minimumRuntime = "2147483647.0.0"
                }
            }
            try await server.publish(request)
            var traits = Wire.DeviceTraits()
            (traits.memory, traits.flops) = (1 << 30, 1 << 40)
            (traits.dtypes, traits.operators, traits.runtime) = (["F32"], ["linear"], "2.0.0")
            let answer = try await server.call(CompositionServiceAPI.compose) { [traits] in
                $0.model = "mlp"
                $0.traits = traits
                $0.explain = true
            }
            let infeasibility = try #require(answer.infeasibility)
            #expect(answer.composition == nil)
            #expect(infeasibility.emptyLayers == [1])
            #expect(infeasibility.smallestBudget == nil)
            #expect(infeasibility.message.contains("layer 1"))
            for reason in [
                "needs operator attention (4 modules)", "needs dtype F64 (1 module)",
                "needs runtime 2147483647.0.0 or newer, the device has ",
            ] {
                #expect(infeasibility.message.contains(reason), "\(infeasibility.message)")
            }
            #expect(infeasibility.excluded.count == 4)
        }
    }
}
