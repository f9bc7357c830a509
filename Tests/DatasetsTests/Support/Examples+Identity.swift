import Datasets

extension FederatedTask {
    /// Users, recordings and windows of the examples of ``DataDirectory/writeHar(windows:classes:users:damage:)``.
    func windows(of examples: Examples) -> [[Int]] {
        (0..<examples.count).map { index in
            let values = Array(examples.values(of: index))
            return [0, 69, 138].map { feature in
                Int((values[feature] * normalisation.deviation[feature] + normalisation.mean[feature]).rounded())
            }
        }
    }

    /// The indices of pictures of ``DataDirectory/writeImages(perClass:testPerClass:classes:damage:)``, negative less 1
    /// for those of the test.
    func pictures(of examples: Examples) -> [Int] {
        (0..<examples.count).map { index in
            let pixels = examples.values(of: index).prefix(3).map { value in
                Int(((value * normalisation.deviation[0] + normalisation.mean[0]) * 255).rounded())
            }
            let picture = pixels[0] + pixels[1] << 8
            return pixels[2] == 255 ? -1 - picture : picture
        }
    }
}

/// The code of the error that a call throws; `nil` when it throws none or another.
func code(_ body: () throws -> some Any) -> DatasetError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? DatasetError)?.code
    }
}
