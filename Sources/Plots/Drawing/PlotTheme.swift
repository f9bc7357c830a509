/// What all plots look like: a page of their own, light or dark as the reader's system is, so that they are readable
/// wherever they are shown.
enum PlotTheme {
    /// An empty picture of a size in pixels, with its styles, background and a title for screen readers.
    static func picture(width: Double, height: Double, title: String, styles: String = "") -> SVGElement {
        var picture = SVGElement(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "width": number(width), "height": number(height),
                "viewBox": "0 0 \(number(width)) \(number(height))", "role": "img",
                "font-family": "system-ui, 'DejaVu Sans', sans-serif", "font-size": "12",
            ])
        picture.add(SVGElement("title", text: title))
        picture.add(SVGElement("style", text: styleSheet + styles))
        picture.add(
            SVGElement("rect", ["class": "page", "width": number(width), "height": number(height), "rx": "6"]))
        return picture
    }

    /// A text at a point; `anchor` is start, middle or end.
    static func text(
        _ text: String, x: Double, y: Double, anchor: String = "start", style: String = "text"
    ) -> SVGElement {
        SVGElement("text", ["class": style, "x": number(x), "y": number(y), "text-anchor": anchor], text: text)
    }

    /// A coordinate, to a tenth of a pixel.
    static func number(_ value: Double) -> String { NumberText.short(value, 1) }

    /// The width that a text needs, in pixels, at a font size; no font is measured, so it errs to the wide side.
    static func width(of text: String, size: Double = 12) -> Double { Double(text.count) * size * 0.58 }

    private static let styleSheet: String = {
        var light =
            ".page{fill:#ffffff}.text{fill:#1f2328}.faint{fill:#59636e}.title{fill:#1f2328;font-size:14px;font-weight:600}"
        light += ".grid{stroke:#d1d9e0;stroke-width:1}.axis{stroke:#59636e;stroke-width:1}"
        var dark =
            ".page{fill:#0d1117}.text,.title{fill:#f0f6fc}.faint{fill:#9198a1}.grid{stroke:#3d444d}.axis{stroke:#9198a1}"
        for color in PlotColor.allCases {
            light += ".\(color.rawValue){stroke:\(color.light);fill:\(color.light)}"
            if color.dark != color.light {
                dark += ".\(color.rawValue){stroke:\(color.dark);fill:\(color.dark)}"
            }
        }
        light += ".line{fill:none;stroke-linejoin:round;stroke-linecap:round}.band{stroke:none;fill-opacity:0.16}"
        return light + "@media (prefers-color-scheme:dark){" + dark + "}"
    }()
}
