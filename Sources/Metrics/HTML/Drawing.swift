/// A drawing of the page, made twice: for a desktop or paper, and for a phone, where text must keep its size.
struct Drawing {
    /// Which of the two this is.
    enum Sheet { case wide, narrow }

    let sheet: Sheet
    /// What a screen reader says.
    let label: String
    var height = 0.0
    private var body = ""

    /// User units; shown at about one CSS pixel each.
    var width: Double { sheet == .wide ? 820 : 350 }
    var isNarrow: Bool { sheet == .narrow }

    private init(_ sheet: Sheet, _ label: String) {
        self.sheet = sheet
        self.label = label
    }

    /// Both drawings, of which the style shows one.
    static func both(_ label: String, _ draw: (inout Drawing) -> Void) -> String {
        [Sheet.wide, .narrow].map { sheet in
            var drawing = Drawing(sheet, label)
            draw(&drawing)
            return "<div class=\"\(sheet == .wide ? "wide" : "narrow")\">\(drawing.text)</div>\n"
        }.joined()
    }

    private var text: String {
        "<svg viewBox=\"0 0 \(Markup.number(width)) \(Markup.number(height))\" role=\"img\" "
            + "aria-label=\"\(Markup.escaped(label))\">\n\(body)</svg>"
    }

    /// A bar, with a text for whoever points at it.
    mutating func rect(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String, _ title: String) {
        let radius = min(2, max(0, height / 2))
        body += "<rect x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\" width=\"\(Markup.number(max(0, width)))\" "
        body += "height=\"\(Markup.number(max(0, height)))\" rx=\"\(Markup.number(radius))\" fill=\"var(--\(colour))\">"
        body += "<title>\(Markup.escaped(title))</title></rect>\n"
    }

    /// A straight line; `dash` as SVG writes it.
    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, thick: Double = 1, dash: String? = nil
    ) {
        body += "<line x1=\"\(Markup.number(x1))\" y1=\"\(Markup.number(y1))\" x2=\"\(Markup.number(x2))\" "
        body += "y2=\"\(Markup.number(y2))\" stroke=\"var(--\(colour))\" stroke-width=\"\(Markup.number(thick))\""
        body += (dash.map { " stroke-dasharray=\"\($0)\"" } ?? "") + "/>\n"
    }

    /// A line through points, with a rim that parts it from the columns behind it.
    mutating func polyline(_ points: [(x: Double, y: Double)], _ colour: String) {
        let places = points.map { "\(Markup.number($0.x)),\(Markup.number($0.y))" }.joined(separator: " ")
        for (stroke, width) in [("card", 5), (colour, 2)] {
            body += "<polyline points=\"\(places)\" fill=\"none\" stroke=\"var(--\(stroke))\" "
            body += "stroke-width=\"\(width)\" stroke-linejoin=\"round\"/>\n"
        }
    }

    mutating func dot(_ x: Double, _ y: Double, _ colour: String, title: String) {
        body += "<circle cx=\"\(Markup.number(x))\" cy=\"\(Markup.number(y))\" r=\"3.5\" stroke=\"var(--card)\" "
        body += "fill=\"var(--\(colour))\">"
        body += "<title>\(Markup.escaped(title))</title></circle>\n"
    }

    /// A band from one stretch of a vertical to another, as thick at both ends.
    mutating func band(
        from x1: Double, _ y1: Double, to x2: Double, _ y2: Double, thick: Double, _ colour: String, title: String
    ) {
        let middle = Markup.number((x1 + x2) / 2)
        let left = Markup.number(x1)
        let right = Markup.number(x2)
        body += "<path d=\"M\(left),\(Markup.number(y1))C\(middle),\(Markup.number(y1)) \(middle),\(Markup.number(y2)) "
        body += "\(right),\(Markup.number(y2))V\(Markup.number(y2 + thick))C\(middle),\(Markup.number(y2 + thick)) "
        body += "\(middle),\(Markup.number(y1 + thick)) \(left),\(Markup.number(y1 + thick))Z\" "
        body += "fill=\"var(--\(colour))\" fill-opacity=\"0.35\"><title>\(Markup.escaped(title))</title></path>\n"
    }

    /// Words; `anchor` is start, middle or end.
    mutating func words(
        _ x: Double, _ y: Double, _ text: String, _ anchor: String = "start", _ colour: String = "soft",
        bold: Bool = false
    ) {
        body += "<text x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\""
        if anchor != "start" { body += " text-anchor=\"\(anchor)\"" }
        body += " fill=\"var(--\(colour))\"\(bold ? " font-weight=\"600\"" : "")>\(Markup.escaped(text))</text>\n"
    }
}
