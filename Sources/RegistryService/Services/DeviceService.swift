import ECLMCore
import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.DeviceService`: devices and their classes.
struct DeviceService: RPCService {
    let name = DeviceServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            // Open to readers: the registry checks the token of a device that registers again.
            RPCMethod(DeviceServiceAPI.registerDevice) { request, call in
                try call.principal.checkMayRegister(request.deviceId)
                var attributes: [String: String] = [:]
                for attribute in request.attributes {
                    guard attributes.updateValue(attribute.value, forKey: attribute.key) == nil else {
                        throw RegistryError(
                            .invalidArgument,
                            "attribute \(attribute.key.debugDescription) is given twice, or as another spelling of the same letters"
                        )
                    }
                }
                let result = try await registry.register(
                    DeviceRegistration(
                        deviceID: request.deviceId, deviceClass: request.deviceClass, token: request.token,
                        attributes: attributes),
                    as: context.provenance(call))
                context.devices.remember(result.device)
                var response = Wire.RegisterDeviceResponse()
                response.device = Wire.Device(result.device)
                response.created = result.isNew
                return response
            },
            RPCMethod(DeviceServiceAPI.getDevice) { request, _ in
                Wire.GetDeviceResponse(Wire.Device(try await registry.device(request.deviceId)))
            },
            RPCMethod(DeviceServiceAPI.listDevices) { request, _ in
                let page = try await registry.devices(
                    idContaining: request.idContains, deviceClass: request.deviceClass, page: PageRequest(request.page))
                var response = Wire.ListDevicesResponse()
                response.devices = page.items.map(Wire.Device.init)
                response.nextPageToken = page.nextToken
                return response
            },
            RPCMethod(DeviceServiceAPI.listDeviceClasses) { _, _ in
                var response = Wire.ListDeviceClassesResponse()
                response.classes = try await registry.deviceClasses().map(Wire.DeviceClass.init)
                return response
            },
            RPCMethod(DeviceServiceAPI.defineDeviceClass) { request, call in
                guard let traits = request.traits else {
                    throw RegistryError(.invalidArgument, "a device class needs traits")
                }
                let record = try await registry.defineDeviceClass(
                    request.name, traits: try traits.core(), as: context.provenance(call))
                await context.catalogue.refreshAfterChange()
                return Wire.DefineDeviceClassResponse(Wire.DeviceClass(record))
            },
            RPCMethod(DeviceServiceAPI.reportMetrics) { request, call in
                try call.principal.checkMayAct(as: request.deviceId)
                var response = Wire.ReportMetricsResponse()
                response.canaries = Int32(
                    clamping: try await registry.reportMetrics(
                        try request.metrics.byName(), of: request.model, release: Int(request.release),
                        from: request.deviceId))
                return response
            },
        ]
    }
}
