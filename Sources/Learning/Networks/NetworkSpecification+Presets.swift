extension NetworkSpecification {
    /// The networks of the experiments, by the data they are for: `har`, `images`, `speech`. `specs/` has them as JSON.
    ///
    /// A device's gates are over all modules that it holds (`top_k` is the number there are); stage 1 of the offline stage
    /// trains with fewer.
    public static let presets: [String: NetworkSpecification] = ["har": .har, "images": .images, "speech": .speech]

    /// Human activity: an MLP over 552 features of a window with one module layer of 16, as in the paper.
    ///
    /// Without a stem: over so many features it would be the larger part of every sub-model.
    public static let har = NetworkSpecification(
        model: "har-mlp", input: [552], classes: 6, stem: StemSpecification(kind: .none),
        layers: [
            LayerSpecification(
                name: "hidden", block: .dense, width: 32, modules: 16, inner: 16, bypass: false, innerNorm: false)
        ],
        selector: SelectorSpecification(widths: [16], topK: 16))

    /// Images of clothes, 28 x 28: VGG-like, two module layers of 16.
    public static let images = NetworkSpecification(
        model: "images-vgg", input: [1, 28, 28], classes: 10,
        stem: StemSpecification(kind: .convolution, width: 8, kernel: [5, 5], stride: [4, 4]),
        layers: [
            LayerSpecification(
                name: "block1", block: .convolution, width: 12, modules: 16, inner: 12, outputKernel: [3, 3]),
            LayerSpecification(
                name: "block2", block: .convolution, width: 24, modules: 16, inner: 24, outputKernel: [3, 3],
                stride: [2, 2]),
        ],
        head: HeadSpecification(pool: false), selector: SelectorSpecification(pool: [4, 4], widths: [32], topK: 17))

    /// Spoken digits, 13 cepstral coefficients over 92 frames: ResNet-like, three module layers of 16.
    public static let speech = NetworkSpecification(
        model: "speech-resnet", input: [13, 1, 92], classes: 10,
        stem: StemSpecification(kind: .convolution, width: 16, kernel: [1, 5], stride: [1, 2]),
        layers: ["block1", "block2", "block3"].map { name in
            LayerSpecification(
                name: name, block: .convolution, width: 16, modules: 16, inner: 10, kernel: [1, 5],
                outputKernel: [1, 3],
                stride: name == "block1" ? [1, 1] : [1, 2], skip: true)
        },
        selector: SelectorSpecification(pool: [1, 16], widths: [32], topK: 17))
}
