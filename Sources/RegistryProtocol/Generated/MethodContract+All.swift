// swift-format-ignore-file
// Generated from proto/ by `make proto`; do not edit.

extension MethodContract {
    /// The methods of all services.
    public static let all: [MethodContract] = [
        MethodContract(BlobServiceAPI.stat),
        MethodContract(BlobServiceAPI.get),
        MethodContract(BlobServiceAPI.beginPut),
        MethodContract(BlobServiceAPI.put),
        MethodContract(ModelServiceAPI.listModels),
        MethodContract(ModelServiceAPI.getModel),
        MethodContract(ModelServiceAPI.listModules),
        MethodContract(VersionServiceAPI.listVersions),
        MethodContract(VersionServiceAPI.getVersion),
        MethodContract(VersionServiceAPI.getLineage),
        MethodContract(ReleaseServiceAPI.listReleases),
        MethodContract(ReleaseServiceAPI.getRelease),
        MethodContract(ReleaseServiceAPI.publish),
        MethodContract(ReleaseServiceAPI.rollback),
        MethodContract(ChannelServiceAPI.listChannels),
        MethodContract(ChannelServiceAPI.moveChannel),
        MethodContract(ChannelServiceAPI.channelHistory),
        MethodContract(ChannelServiceAPI.watch),
        MethodContract(CompositionServiceAPI.compose),
        MethodContract(DeviceServiceAPI.registerDevice),
        MethodContract(DeviceServiceAPI.getDevice),
        MethodContract(DeviceServiceAPI.listDevices),
        MethodContract(DeviceServiceAPI.listDeviceClasses),
        MethodContract(DeviceServiceAPI.defineDeviceClass),
        MethodContract(DeviceServiceAPI.reportMetrics),
        MethodContract(HealthServiceAPI.check),
        MethodContract(HealthServiceAPI.echo),
        MethodContract(UpdateServiceAPI.submit),
        MethodContract(UpdateServiceAPI.getUpdate),
        MethodContract(UpdateServiceAPI.listUpdates),
    ]
}
