/// A picture of a report, in a file of its own.
struct Figure {
    /// The file's name, without a folder.
    let file: String
    /// What it shows, in words.
    let caption: String
    /// The SVG document.
    let svg: String

    /// The Markdown that shows it.
    var markdown: String {
        // Brackets would end the text.
        "![\(caption.filter { $0 != "[" && $0 != "]" })](\(file))\n"
    }
}

/// A finished report: one page and its pictures.
struct RenderedReport {
    /// The page, in Markdown.
    var page: String
    /// The pictures that it shows.
    var figures: [Figure]
}
