"""A headless Chromium, driven by the DevTools protocol over a pipe: no port is opened."""

import json
import os
import select
import shutil
import subprocess
import time


class Browser:
    def __init__(self, profile):
        """Starts Chromium with a profile of its own below the directory."""
        name = shutil.which("chromium")
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
        options += " --disable-component-update --no-proxy-server --hide-scrollbars --remote-debugging-pipe"
        line = f'exec "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", line, "chromium", name, *options.split(), f"--user-data-dir={profile}"],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.number = 0
        self.buffer = b""
        self.events = []

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def _message(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self.answers, 1 << 20)
            if not data:
                raise EOFError("Chromium has ended")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, timeout=60, **parameters):
        """The result of a command; events that arrive meanwhile are kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            answer = self._message(deadline)
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def wait_for(self, method, session, timeout=60):
        """The parameters of the first event of that name."""
        deadline = time.monotonic() + timeout
        while True:
            for index, event in enumerate(self.events):
                if event.get("method") == method and event.get("sessionId") == session:
                    return self.events.pop(index)["params"]
            self.events.append(self._message(deadline))


class Page:
    """A tab: what it fetched, what its console said, what it looks like."""

    def __init__(self, browser, width, height, dark=False, phone=False):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def open(self, path):
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.browser.wait_for("Page.loadEventFired", self.session)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def complaints(self):
        """What the console and the log said, and requests other than for the page itself."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            name, what = event["method"], event["params"]
            if name == "Runtime.exceptionThrown":
                found.append(what["exceptionDetails"]["text"])
            elif name == "Runtime.consoleAPICalled":
                found.append(f"console.{what['type']}")
            elif name == "Log.entryAdded":
                found.append(what["entry"]["text"])
            elif name == "Network.requestWillBeSent" and what.get("type") != "Document":
                found.append("request for " + what["request"]["url"][:100])
        return found
