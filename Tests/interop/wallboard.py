"""A wallboard is whole whenever it is read, and shows what the log has come to.

Usage: wallboard.py DIRECTORY WHOLE SEGMENT: SEGMENT grows to WHOLE; the page is DIRECTORY/wallboard.html."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from chromium import Browser, Page  # noqa: E402

DIRECTORY, WHOLE, SEGMENT = sys.argv[1:4]
PAGE = os.path.join(DIRECTORY, "wallboard.html")
RECEIVED = "[...document.querySelectorAll('.card')].find(c => /received/i.test(c.innerText)).querySelector('.value').innerText"


def read(browser):
    page = Page(browser, width=1280, height=900)
    page.open(PAGE)
    return int(page.evaluate(RECEIVED).replace(",", "")), page.evaluate("!!document.querySelector('meta[http-equiv=refresh]')")


def main():
    deadline = time.monotonic() + 30
    while not os.path.exists(PAGE):
        if time.monotonic() > deadline:
            sys.exit("FAIL: no wallboard")
        time.sleep(0.1)
    browser = Browser(os.path.join(DIRECTORY, "profile"))
    try:
        first, refreshes = read(browser)
        if not refreshes:
            sys.exit("FAIL: the browser does not load the wallboard again by itself")
        with open(WHOLE, "rb") as whole, open(SEGMENT, "ab") as segment:
            whole.seek(segment.tell())
            segment.write(whole.read())
        reads = 0
        while (now := read(browser)[0]) == first:
            with open(PAGE) as file:
                if not re.search("</html>\\s*$", file.read()):
                    sys.exit("FAIL: the wallboard was seen half written")
            reads += 1
            if time.monotonic() > deadline + 30:
                sys.exit("FAIL: the wallboard does not follow the log")
        print(f"  ok    wallboard: {first} calls, {now} after the log grew, whole each time it was read")
    finally:
        browser.close()


main()
