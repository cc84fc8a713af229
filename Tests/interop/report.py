"""Opens the HTML report as people do: on a desktop, in the dark, on a phone, on paper.

Usage: report.py DIRECTORY NAME…: NAME.html in DIRECTORY; screenshots go beside it."""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from chromium import Browser, Page  # noqa: E402

VIEWS = {
    "light": dict(width=1280, height=900),
    "dark": dict(width=1280, height=900, dark=True),
    "tablet": dict(width=768, height=1024, phone=True),
    "phone": dict(width=390, height=844, phone=True),
    "phone-dark": dict(width=390, height=844, phone=True, dark=True),
}
# What a screen reader needs to find its way: each is an expression that gives what is wrong.
STRUCTURE = {
    "lang": "document.documentElement.lang ? [] : ['no lang']",
    "title": "document.title.length > 10 ? [] : ['no title']",
    "one h1": "document.querySelectorAll('h1').length === 1 ? [] : ['not one h1']",
    "landmarks": "['header', 'main', 'footer'].filter(n => document.querySelectorAll('body > ' + n).length !== 1)",
    "sections have names": """[...document.querySelectorAll('section')].filter(s => {
        const label = document.getElementById(s.getAttribute('aria-labelledby')); return !label || !label.textContent
    }).map(s => s.outerHTML.slice(0, 80))""",
    "heading levels": """[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])
        .filter((level, i, all) => i && level > all[i - 1] + 1).map(level => 'jump to h' + level)""",
    "tables have headers": """[...document.querySelectorAll('table')].filter(t => !t.querySelector('th[scope]')
        || !t.caption && !t.getAttribute('aria-label') && !t.getAttribute('aria-labelledby'))
        .map(t => t.outerHTML.slice(0, 80))""",
    "pictures are images": "[...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') !== 'img'"
    " && s.getAttribute('aria-hidden') !== 'true').map(s => s.outerHTML.slice(0, 80))",
    "ids": "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i)",
    "numbers": "document.body.innerText.match(/\\b(NaN|inf|null|nan)\\b|undefined|Optional/g) || []",
}
SCROLL = """[document.documentElement.scrollWidth - document.documentElement.clientWidth,
    [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 3).map(e => e.outerHTML.slice(0, 100))]"""
# Text must be large enough to read, and stand apart from what is behind it (WCAG 1.4.3: 4.5, or 3 where it is large).
TEXT = """(() => {
    const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
    const light = c => { const l = rgb(c).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2] };
    const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        const v = rgb(c); if (v.length && (v.length < 4 || v[3] > 0)) return c } return 'rgb(255, 255, 255)' };
    const wrong = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, e = text.parentElement;
        if (!text.data.trim() || /^(title|desc|style)$/i.test(e.tagName)) continue;
        const style = getComputedStyle(e), range = document.createRange();
        range.selectNode(text);
        const box = range.getBoundingClientRect();
        if (!box.width || e.closest('.sr')) continue;
        const svg = e.closest('svg');
        const size = parseFloat(style.fontSize) * (svg ? svg.getScreenCTM().a : 1);
        if (size < 9.9) wrong.push('small (' + size.toFixed(1) + ' px): ' + text.data.slice(0, 30));
        const front = svg ? style.fill : style.color;
        let back = behind(svg || e);
        if (svg) {  // what is painted below the middle of the text, topmost first
            const at = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
                .find(o => /^(rect|path)$/.test(o.tagName) && o.closest('svg') === svg && getComputedStyle(o).fill !== 'none'
                    && parseFloat(getComputedStyle(o).fillOpacity) > 0.9);
            if (at) back = getComputedStyle(at).fill;
            const sheet = svg.getBoundingClientRect();
            if (box.left < sheet.left - 1 || box.right > sheet.right + 1) wrong.push('cut off: ' + text.data.slice(0, 40));
        }
        const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05), large = size >= 24 || size >= 18.6 && style.fontWeight >= 600;
        if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(1)} (${front} on ${back}): ` + text.data.slice(0, 30));
    }
    return [...new Set(wrong)].slice(0, 12)
})()"""
# Texts of one drawing must not lie on one another.
OVERLAP = """(() => { const found = [];
    for (const svg of document.querySelectorAll('svg')) {
        const boxes = [...svg.querySelectorAll('text')].map(t => [t.getBoundingClientRect(), t.textContent])
            .filter(([b]) => b.width);
        boxes.forEach(([a, s], i) => boxes.slice(i + 1).forEach(([b, t]) => {
            if (a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
                found.push(`${s} / ${t}`) }));
    } return found.slice(0, 6) })()"""


def images(page):
    """Names of what is shown as a picture; an empty one is none."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    shown = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in ("img", "image")]
    return [node.get("name", {}).get("value", "") for node in shown]


def save(path, data):
    with open(path, "wb") as file:
        file.write(base64.b64decode(data))


def look(browser, directory, name, view, wrong):
    page = Page(browser, **VIEWS[view])
    page.open(os.path.join(directory, name + ".html"))
    for title, expression in STRUCTURE.items():
        wrong += [f"{name}, {view}, {title}: {what}" for what in page.evaluate(expression)]
    beyond, who = page.evaluate(SCROLL)
    if beyond > 0:
        wrong.append(f"{name}, {view}: {beyond} px wider than the screen: {who}")
    size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    page.call("Emulation.setDeviceMetricsOverride", width=VIEWS[view]["width"], height=size[1],
              deviceScaleFactor=1, mobile="phone" in VIEWS[view])
    wrong += [f"{name}, {view}: {what}" for what in page.evaluate(TEXT)]
    wrong += [f"{name}, {view}, text on text: {what}" for what in page.evaluate(OVERLAP)]
    names = images(page)
    wrong += [f"{name}, {view}: a picture has no name" for text in names if len(text) < 10]
    wrong += [f"{name}, {view}: {what}" for what in page.complaints()]
    shot = page.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    save(os.path.join(directory, f"{name}-{view}.png"), shot["data"])
    if view == "light":
        pdf = page.call("Page.printToPDF", preferCSSPageSize=True)
        save(os.path.join(directory, f"{name}.pdf"), pdf["data"])
    return len(names)


def main():
    directory, names = sys.argv[1], sys.argv[2:]
    wrong = []
    browser = Browser(os.path.join(directory, "profile"))
    try:
        for name in names:
            counts = [look(browser, directory, name, view, wrong) for view in VIEWS]
            if min(counts) == 0 and name != "empty":
                wrong.append(f"{name}: no picture")
            print(f"  {'ok   ' if not wrong else 'bad  '} {name}: {', '.join(VIEWS)}, PDF; {counts[0]} pictures with names")
    finally:
        browser.close()
    if wrong:
        print("FAIL:", wrong[0])
        print("\n".join(f"      {what}" for what in wrong[1:40]))
        sys.exit(1)


main()
