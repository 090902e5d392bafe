#!/usr/bin/env python3
"""Opens HTML reports in a headless Chromium and holds them to what they promise.

    page.py PAGE.html[:KB]... [--still PAGE.html]... [--hostile PAGE.html] [--shots DIR]

Every page: no larger than so many kB, no message on the console, no error, no request but for itself, usable after
300 ms of work at the best of five times, filters, sorting, keyboard, deep links and dark mode work. A page without a
script (`--still`) has none, and what of this concerns it. A page made of hostile strings: none of them ran. Only the
standard library is used; Chromium is spoken to over a pipe.
"""

import base64
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class Browser:
    """A Chromium, spoken to in messages that end with a zero byte."""

    def __init__(self, program, profile):
        from_us, to_chromium = os.pipe()
        from_chromium, to_us = os.pipe()

        # Chromium reads from descriptor 3 and writes to 4.
        def descriptors():
            os.dup2(from_us, 50)
            os.dup2(to_us, 51)
            os.dup2(50, 3)
            os.dup2(51, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
             "--remote-debugging-pipe", "--hide-scrollbars", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=descriptors, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(to_us)
        self.out = to_chromium
        self.inp = os.fdopen(from_chromium, "rb")
        self.number = 0
        self.session = None
        self.events = []

    def message(self):
        data = b""
        while not data.endswith(b"\0"):
            byte = self.inp.read(1)
            if not byte:
                raise SystemExit("Chromium has gone away")
            data += byte
        return json.loads(data[:-1])

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Performance.enable", timeDomain="threadTicks")

    def open(self, path, fragment=""):
        self.events.clear()
        # The same address with another fragment would not be loaded anew.
        self.call("Page.navigate", url="about:blank")
        self.wait("Page.loadEventFired")
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait("Page.loadEventFired")

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def worked(self):
        """Milliseconds of processor time that the page took, from its start: not what others make it wait."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return round(next(one["value"] for one in metrics if one["name"] == "TaskDuration") * 1000)

    def key(self, key):
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    def size(self, width, height, scheme="light"):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def shot(self, file):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(data))

    def complaints(self, path):
        """What went wrong or out since the page was opened."""
        bad = []
        for event in self.events:
            method, details = event.get("method"), event.get("params", {})
            if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded",
                          "Page.javascriptDialogOpening"):
                bad.append(f"{method}: {json.dumps(details)[:400]}")
            if method == "Network.requestWillBeSent":
                url = details["request"]["url"].split("#")[0]
                if url not in (path.resolve().as_uri(), "about:blank"):
                    bad.append(f"request: {url}")
        return bad


def hold(what, true):
    if not true:
        raise SystemExit(f"FAILED: {what}")
    print(f"  {what}")


# What a page may weigh where nothing else is said, and packed, and what it may work until it is usable.
MOST_KB = 400
MILLISECONDS = 300
PACKED_KB = 150

SHOWN = "Array.from(document.querySelectorAll('#table tbody tr')).filter((row) => !row.hidden).length"


def visit(browser, page):
    name, _, most = str(page).partition(":")
    path = pathlib.Path(name)
    size = path.stat().st_size
    print(path.name, size, "bytes,", len(gzip.compress(path.read_bytes())), "packed")
    hold(f"no more than {most or MOST_KB} kB", size <= int(most or MOST_KB) * 1000)
    hold(f"no more than {PACKED_KB} kB packed", len(gzip.compress(path.read_bytes())) <= PACKED_KB * 1000)
    browser.size(1200, 900)
    browser.open(path)
    rows = browser.value(SHOWN)
    hold("the script has run and the table is there", browser.value(
        "document.documentElement.dataset.ready === 'yes'") and rows > 0)
    times, waits = [], []
    for _ in range(5):
        browser.open(path)
        times.append(browser.worked())
        waits.append(browser.value("(() => { const t = performance.getEntriesByType('navigation')[0];"
                                   " return Math.round(t.domContentLoadedEventEnd); })()"))
    hold(f"usable after {min(times)} ms of work, {min(waits)} ms after the start ({rows} rows; work {times})",
         min(times) < MILLISECONDS)
    browser.key("/")
    hold("`/` goes to the search", browser.value("document.activeElement.id === 'search'"))
    browser.key("zqzq-no-such-package"[0])
    for letter in "qzq":
        browser.key(letter)
    hold("a search that finds nothing hides every row", browser.value(SHOWN) == 0)
    hold("the search stands in the address", browser.value("location.hash.includes('q=zqzq')"))
    browser.open(path, "#packages?f=finding")
    flagged = "document.querySelectorAll('#table tr[data-f~=finding]').length"
    hold("a filter in the address is applied", browser.value(SHOWN) == browser.value(flagged))
    browser.value("document.querySelector('th[data-sort=name]').click()")
    hold("a heading sorts", browser.value(
        "document.querySelector('th[data-sort=name]').getAttribute('aria-sort') === 'ascending'"))
    anchor = browser.value("(document.querySelector('.finding') || {}).id || ''")
    if anchor:
        browser.open(path, "#" + anchor)
        hold("a deep link opens the evidence", browser.value(
            f"[...document.getElementById({json.dumps(anchor)}).querySelectorAll('details.evidence')]"
            ".every((one) => one.open)"))
    light = browser.value("getComputedStyle(document.body).backgroundColor")
    browser.size(1200, 900, "dark")
    dark = browser.value("getComputedStyle(document.body).backgroundColor")
    hold(f"dark is dark ({light}, {dark})", light != dark)
    browser.value("[...document.querySelectorAll('nav button')][0].click()")
    hold("the button turns it back", browser.value(
        "getComputedStyle(document.body).backgroundColor") == light)
    fits_and_is_quiet(browser, path)


def fits_and_is_quiet(browser, path):
    """On a wide screen and on a phone, after everything else was tried."""
    for width in (1200, 375):
        browser.size(width, 800)
        hold(f"nothing runs off a page of {width} pixels", browser.value(
            "document.documentElement.scrollWidth <= innerWidth"))
    bad = browser.complaints(path)
    hold(f"no message, no error, no request {bad[:3]}", not bad)


def visit_still(browser, page):
    """A page that has no script: a comparison, a rule, a fleet."""
    path = pathlib.Path(page)
    print(path.name, path.stat().st_size, "bytes")
    browser.size(1200, 900)
    browser.open(path)
    hold("there is no script in it", browser.value("document.scripts.length") == 0)
    hold("there is something to read", browser.value("document.querySelector('h1').innerText.length") > 3)
    # A fleet's page leads to those of its projects.
    links = browser.value("[...document.querySelectorAll('a')].map((one) => one.getAttribute('href'))")
    if path.name == "fleet.html":
        hold(f"each of {len(links)} links leads to a page of a project", links and all(
            (path.parent / link).is_file() for link in links))
    light = browser.value("getComputedStyle(document.body).backgroundColor")
    browser.size(1200, 900, "dark")
    hold("dark is dark", browser.value("getComputedStyle(document.body).backgroundColor") != light)
    fits_and_is_quiet(browser, path)


def main():
    arguments = sys.argv[1:]
    shots = hostile = None
    still = []
    while "--still" in arguments:
        at = arguments.index("--still")
        still.append(arguments[at + 1])
        del arguments[at:at + 2]
    if "--shots" in arguments:
        at = arguments.index("--shots")
        shots = pathlib.Path(arguments[at + 1])
        del arguments[at:at + 2]
    if "--hostile" in arguments:
        at = arguments.index("--hostile")
        hostile = pathlib.Path(arguments[at + 1])
        del arguments[at:at + 2]
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not program:
        raise SystemExit("no Chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            browser.attach()
            for page in arguments:
                visit(browser, page)
                page = pathlib.Path(page.partition(":")[0])
                for name, width, scheme in (("wide", 1000, "light"), ("dark", 1000, "dark"),
                                            ("phone", 390, "dark")) if shots else ():
                    browser.size(width, 760, scheme)
                    browser.open(page)
                    browser.shot(shots / f"{page.stem}-{name}.png")
            for page in still:
                visit_still(browser, page)
            if hostile:
                visit(browser, hostile)
                hold("no hostile string has run", browser.value("window.hostile === undefined"))
                hold("no hostile string is an element", browser.value(
                    "document.querySelectorAll('img,iframe,object,link,script:not(:last-of-type)').length") == 0)
        finally:
            browser.process.terminate()
            browser.process.wait()


if __name__ == "__main__":
    main()
