# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, driven by its debugging protocol over a pair of pipes."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Guards against a browser that hangs; nothing is measured with it.
PATIENCE = 120


class Browser:
    """A browser with a profile of its own, which ends with the context."""

    def __init__(self, folder):
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # The protocol has the descriptors 3 and 4; what is moved there first goes out of the way.
        taken = [os.dup(fd) for fd in (to_read, to_write)]

        def give():
            high = [os.dup(fd) for fd in taken]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-extensions", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            start_new_session=True, env={**os.environ, "HOME": str(folder)}, preexec_fn=give)
        for fd in (to_read, to_write, *taken):
            os.close(fd)
        self._buffer, self._count, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # It has children, all in a group that is ours alone.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        os.close(self._read)
        os.close(self._write)

    def _next(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            piece = os.read(self._read, 1 << 20)
            assert piece, "the browser is gone"
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        """The result of a command; events that come before it are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def page(self, path, **options):
        """Opens a file."""
        return Page(self, path, **options)

    def wait_for(self, method, session):
        """The first event of this name in the session."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event["params"]
            self.events.append(self._next(deadline))


class Page:
    """A page that is loaded."""

    def __init__(self, browser, path, width=1400, height=900, scheme="light", script=True):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Page.navigate", url=f"file://{path}")
        browser.wait_for("Page.loadEventFired", self.session)

    def call(self, method, **parameters):
        """A command for this page."""
        return self.browser.call(method, self.session, **parameters)

    def run(self, expression):
        """The value of an expression in the page, as JSON has it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
                           userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _events(self, method):
        return [event["params"] for event in self.browser.events
                if event.get("method") == method and event.get("sessionId") == self.session]

    def complaints(self):
        """What the console says, exceptions, and what the policy forbade."""
        self.run("new Promise(done => setTimeout(done, 0))")
        return (self._events("Runtime.exceptionThrown") + self._events("Log.entryAdded") +
                self._events("Runtime.consoleAPICalled"))

    def requests(self):
        """The addresses that the page asked for."""
        self.run("new Promise(done => setTimeout(done, 0))")
        return [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    def click(self, expression):
        """Clicks in the middle of an element."""
        x, y = self.run(f"(() => {{ const e = {expression}; e.scrollIntoView({{block: 'center'}});"
                        "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text):
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def key(self, name, code, text=""):
        """Presses a key, which types the text."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      text=text if kind == "keyDown" else "")

    def picture(self, path, whole=False):
        """A picture of the window, or of the whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(data["data"]))
