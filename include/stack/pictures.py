"""
Pictures of boxes and arrows, as SVG: the architecture, and flowcharts from their text.

They need no script and no font of their own, and are light wherever they are shown, like the other pictures.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

# What is understood of Mermaid's notation: ``name --> other["label"]``, one a line.
EDGE = re.compile(r'^ *(\w+)(?:\["(.*?)"\])? --> (\w+)(?:\["(.*?)"\])?$', re.MULTILINE)
LINE, LETTER = 17, 7.4  # pixels: from line to line, and what a letter is taken to be wide
FONT = "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\""
PANEL, INK, FAINT = "#f7f9fc", "#1d2733", "#5b6b7d"
FILLS = {
    "ours": 'fill="#ffffff" stroke="#0b57a4"',
    "kept": 'fill="#fff6dd" stroke="#9a6b00"',
    "outside": 'fill="#eef1f5" stroke="#5b6b7d" stroke-dasharray="4 3"',
    "frame": 'fill="none" stroke="#0b57a4" stroke-opacity="0.45"',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One thing, with its upper left corner at (x, y). The first line is its name; the others are smaller."""

    x: float
    y: float
    width: float
    height: float
    lines: Sequence[str]
    kind: str = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """From point to point in a straight line, or where it is ``bent``, level at both ends."""

    start: tuple[float, float]
    end: tuple[float, float]
    text: str = ""
    both_ways: bool = False
    bent: float | None = None


def svg(title: str, boxes: Iterable[Box], arrows: Iterable[Arrow], width: float, height: float) -> str:
    size = (
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    )
    tip = f'<path d="M0 0 8 4 0 8z" fill="{FAINT}"/>'
    place = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"'
    parts = [
        f'<svg {size} role="img" aria-label="{escape(title)}" {FONT} font-size="13">',
        f'<defs><marker id="tip" {place}>{tip}</marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{PANEL}"/>',
        *map(_arrow, arrows),
        *map(_box, boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box) -> str:
    rect = f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="6" {FILLS[box.kind]}/>'
    framed = box.kind == "frame"
    x = box.x + (12 if framed else box.width / 2)
    y = box.y + (20 if framed else (box.height - (len(box.lines) - 1) * LINE) / 2 + 4.5)
    looks = ['font-weight="600"', *[f'font-size="11.5" fill="{FAINT}"'] * (len(box.lines) - 1)]
    words = [
        f'<text x="{x:g}" y="{y + number * LINE:g}" {look}>{escape(line)}</text>'
        for number, (line, look) in enumerate(zip(box.lines, looks, strict=True))
    ]
    anchor = "start" if framed else "middle"
    return f'{rect}<g text-anchor="{anchor}" fill="{INK}">{"".join(words)}</g>'


def _arrow(arrow: Arrow) -> str:
    (x, y), (to_x, to_y) = arrow.start, arrow.end
    turn = x if arrow.bent is None else arrow.bent
    middle = (turn + to_x) / 2
    way = (
        f"L{to_x:g} {to_y:g}"
        if arrow.bent is None
        else f"L{turn:g} {y:g} C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
    )
    tips = 'marker-end="url(#tip)"' + (' marker-start="url(#tip)"' if arrow.both_ways else "")
    line = f'<path d="M{x:g} {y:g} {way}" fill="none" stroke="{FAINT}" stroke-width="1.3" {tips}/>'
    if not arrow.text:
        return line
    said_x, said_y = (x + to_x) / 2, (y + to_y) / 2
    level = abs(y - to_y) < 1
    place = (
        f'x="{said_x:g}" y="{said_y - 6:g}" text-anchor="middle"' if level else f'x="{said_x + 7:g}" y="{said_y + 4:g}"'
    )
    return f'{line}<text {place} font-size="11.5" fill="{FAINT}">{escape(arrow.text)}</text>'


def edges_of(text: str) -> list[tuple[str, str]]:
    """The arrows of a flowchart, as names."""
    return [(start, end) for start, _, end, _ in EDGE.findall(text)]


def flowchart(text: str) -> str:
    """
    A flowchart from left to right: each box stands one column after the last that leads to it, level with it if it can.

    :raises ValueError: it has no arrows, or they go round in a circle.
    """
    edges = edges_of(text)
    labels = {name: name for edge in edges for name in edge}
    for start, said, end, also_said in EDGE.findall(text):
        labels |= {name: label for name, label in ((start, said), (end, also_said)) if label}
    column = columns(edges)
    ranks: dict[int, list[str]] = defaultdict(list)
    for name in labels:
        ranks[column[name]].append(name)
    wide = {rank: 22 + LETTER * max(len(labels[name]) for name in names) for rank, names in ranks.items()}
    gap, high, row, edge_of_all = 32, 32, 46, 14
    tallest = max(map(len, ranks.values()))
    boxes: dict[str, Box] = {}
    x = float(edge_of_all)
    for rank in sorted(ranks):
        names = ranks[rank]
        before = [boxes[start].y for start, end in edges if end == names[0] and len(names) == 1 and start in boxes]
        top = before[0] if len(before) == 1 else edge_of_all + (tallest - len(names)) * row / 2
        for number, name in enumerate(names):
            boxes[name] = Box(x=x, y=top + number * row, width=wide[rank], height=high, lines=(labels[name],))
        x += wide[rank] + gap

    def arrow(start: str, end: str) -> Arrow:
        a, b = boxes[start], boxes[end]
        return Arrow(
            start=(a.x + a.width, a.y + high / 2), end=(b.x, b.y + high / 2), bent=max(a.x + a.width, b.x - gap)
        )

    title = "A flowchart: " + ", ".join(labels.values())
    height = 2 * edge_of_all + tallest * row - (row - high)
    return svg(title, boxes.values(), [arrow(*edge) for edge in edges], x - gap + edge_of_all, height)


def columns(edges: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """
    How many steps each box stands from the left: the longest way that leads to it.

    :raises ValueError: there are none, or they go round in a circle.
    """
    names = list(dict.fromkeys(name for edge in edges for name in edge))
    found = dict.fromkeys(names, 0)
    for _ in names:
        moved = {end: found[start] + 1 for start, end in edges if found[end] <= found[start]}
        if not moved:
            break
        found |= moved
    else:
        raise ValueError("the arrows of a flowchart go nowhere, or round in a circle")
    return found


def architecture() -> str:
    """Who is asked and told, what runs, and where things live. The smaller lines name places below include/rastro."""
    first, second, third, last = 250, 466, 624, 866  # where the columns begin
    told = (
        ("update_orders[]", "orders/", "The VTEX order"),
        ("email_customers", "mail/", "Customers, the shop"),
        ("confirm_marketplaces[]", "marketplaces/", "Marketplaces"),
    )
    beside = (
        ("rastro serve", "web/", "Customers"),
        ("Deliveries, in Airflow", "pages/", "Operators"),
        ("the command rastro", "cli/", "Analysts, scripts"),
    )
    frame = "Apache Airflow: dags/, orchestration/, pipeline/"
    kept = "warehouse/: parcels, events, changes, messages owed, quarantine"
    boxes = [
        Box(x=228, y=20, width=618, height=286, kind="frame", lines=(frame,)),
        Box(x=first, y=62, width=176, height=50, lines=("sync_orders", "orders/, routing.py")),
        Box(x=first, y=138, width=176, height=50, lines=("plan_polls", "polling.py, budget.py")),
        Box(x=first, y=214, width=176, height=50, lines=("track[], receive_news", "carriers/, http.py")),
        Box(x=second, y=138, width=120, height=50, lines=("load_changes", "diff.py")),
        Box(x=third, y=244, width=200, height=50, lines=("check_run", "pipeline/check.py")),
        Box(x=20, y=62, width=160, height=50, lines=("Order systems", "VTEX OMS, tables"), kind="outside"),
        Box(x=20, y=214, width=160, height=50, lines=("Carriers", "asked, and read by feeds"), kind="outside"),
        Box(x=228, y=348, width=618, height=54, kind="kept", lines=("The warehouse: PostgreSQL, schema rastro", kept)),
        Box(x=20, y=444, width=160, height=50, lines=("Carriers", "that push"), kind="outside"),
    ]  # fmt: skip
    arrows = [
        Arrow(start=(180, 87), end=(first, 87)),
        Arrow(start=(180, 239), end=(first, 239), both_ways=True),
        Arrow(start=(338, 112), end=(338, 138)),
        Arrow(start=(338, 188), end=(338, 214)),
        Arrow(start=(426, 239), end=(second, 163), bent=426),
        Arrow(start=(537, 306), end=(537, 348), text="all that must outlive a task", both_ways=True),
        Arrow(start=(180, 469), end=(228, 469)),
    ]
    for row, (task, place, receiver) in enumerate(told):
        y = 50 + row * 62
        boxes.append(Box(x=third, y=y, width=200, height=50, lines=(task, place)))
        boxes.append(Box(x=last + 20, y=y, width=164, height=50, lines=(receiver,), kind="outside"))
        arrows.append(Arrow(start=(586, 163), end=(third, y + 25), bent=586))
        arrows.append(Arrow(start=(824, y + 25), end=(last + 20, y + 25), both_ways=place != "mail/"))
    arrows.append(Arrow(start=(586, 163), end=(third, 269), bent=586))
    for number, (what, place, who) in enumerate(beside):
        x = 228 + number * 214
        boxes.append(Box(x=x, y=444, width=190, height=50, lines=(what, place)))
        boxes.append(Box(x=x, y=536, width=190, height=40, lines=(who,), kind="outside"))
        arrows.append(Arrow(start=(x + 95, 444), end=(x + 95, 402), both_ways=True))
        arrows.append(Arrow(start=(x + 95, 536), end=(x + 95, 494), both_ways=True))
    return svg("Who is asked and told, what runs, and where things live", boxes, arrows, 1070, 596)
