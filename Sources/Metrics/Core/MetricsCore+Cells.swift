/// Where things are counted.
extension MetricsCore {
    func place(of call: OpenCall, began: Int64) -> Attributes {
        Attributes(
            began: began, node: call.node, agent: call.agent, group: call.group, line: call.line, skills: call.skills)
    }

    func place(of transfer: OpenCall.Transfer, in call: OpenCall) -> Attributes {
        var place = place(of: call, began: transfer.began)
        place.agent = transfer.agent
        place.target = transfer.target
        return place
    }

    mutating func count(_ end: CallerBook.End) {
        count(at: end.place) {
            switch end.outcome {
            case .resolved:
                $0.firstCalls += 1
                $0.firstCallsResolved += 1
            case .unresolved: $0.firstCalls += 1
            case .pending: $0.firstCallsPending += 1
            }
        }
    }

    /// The cells to count in later, in a form small enough to be kept.
    mutating func latePlace(_ place: Attributes) -> LatePlace {
        guard placed else { return LatePlace(cell: -1) }
        let skills = options.by.contains(.skill) ? skillSets[Int(place.skills)] : []
        guard skills.count > 1 else { return LatePlace(cell: Int32(cell(place, skill: skills.first ?? .null))) }
        let cells = skills.map { Int32(cell(place, skill: $0)) }
        if let number = lateNumbers[cells] { return LatePlace(cell: -2 - number) }
        lateNumbers[cells] = Int32(lateCells.count)
        lateCells.append(cells)
        return LatePlace(cell: -1 - Int32(lateCells.count))
    }

    mutating func count(at place: LatePlace, _ change: (inout Cell) -> Void) {
        change(&total)
        if place.cell >= 0 { change(&cells[Int(place.cell)]) }
        if place.cell < -1 { for cell in lateCells[Int(-2 - place.cell)] { change(&cells[Int(cell)]) } }
    }

    /// Changes the total and the cells that the place belongs to, where it began within the period.
    mutating func count(_ place: Attributes, _ change: (inout Cell) -> Void) {
        guard options.includes(place.began) else { return }
        change(&total)
        if placed { countCells(place, change) }
    }

    /// As `count`, without the total.
    mutating func countParts(_ place: Attributes, _ change: (inout Cell) -> Void) {
        if options.includes(place.began) { countCells(place, change) }
    }

    mutating func countCells(_ place: Attributes, _ change: (inout Cell) -> Void) {
        guard options.by.contains(.skill), place.skills > 0 else {
            change(&cells[cell(place, skill: .null)])
            return
        }
        for skill in skillSets[Int(place.skills)] { change(&cells[cell(place, skill: skill)]) }
    }

    mutating func cell(_ place: Attributes, skill: Name) -> Int {
        var key = CellKey()
        let seconds = CivilTime.floor(place.began, 1_000_000)
        for (index, by) in options.by.enumerated() {
            switch by {
            case .group: key.values[index] = Int64(place.group.known.number)
            case .agent: key.values[index] = Int64(place.agent.known.number)
            case .line: key.values[index] = Int64(place.line.known.number)
            case .node: key.values[index] = Int64(place.node.known.number)
            case .target: key.values[index] = Int64(place.target.known.number)
            case .code: key.values[index] = Int64(place.code.known.number)
            case .skill: key.values[index] = Int64(skill.number)
            default: key.values[index] = intervals.range(by, at: seconds).lowerBound
            }
        }
        if let number = cellNumbers[key] { return number }
        cellNumbers[key] = cells.count
        cells.append(Cell())
        cellKeys.append(key)
        return cells.count - 1
    }
}
