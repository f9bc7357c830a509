/// One number for each of the three resources.
struct Vector3 {
    var x: Double
    var y: Double
    var z: Double

    @inline(__always)
    init(_ x: Double, _ y: Double, _ z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }

    static var zero: Vector3 { Vector3(0, 0, 0) }

    /// The unit vector of a row.
    static func unit(_ row: Int) -> Vector3 { Vector3(row == 0 ? 1 : 0, row == 1 ? 1 : 0, row == 2 ? 1 : 0) }

    subscript(row: Int) -> Double { row == 0 ? x : row == 1 ? y : z }

    @inline(__always)
    func dot(_ other: Vector3) -> Double { x * other.x + y * other.y + z * other.z }

    func cross(_ other: Vector3) -> Vector3 {
        Vector3(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }

    /// The largest absolute component.
    var magnitude: Double { max(abs(x), abs(y), abs(z)) }

    @inline(__always)
    static func + (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x + b.x, a.y + b.y, a.z + b.z) }
    @inline(__always)
    static func - (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x - b.x, a.y - b.y, a.z - b.z) }
    @inline(__always)
    static func * (a: Vector3, factor: Double) -> Vector3 { Vector3(a.x * factor, a.y * factor, a.z * factor) }
}
