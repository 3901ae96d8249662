"""A real browser, driven over its DevTools protocol; nothing here runs in the ordinary suite."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WAIT = 30
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Browser:
    """One tab: opens pages at a width, in light or dark, and answers expressions of JavaScript."""

    def __init__(self, address: str) -> None:
        import websocket

        # Chromium refuses the origin that the client would send of itself.
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=WAIT)
        self._numbers = itertools.count(1)
        self("Page.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        return self._until(lambda said: said.get("id") == number).get("result", {})

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            said = json.loads(self._socket.recv())
            if wanted(said):
                assert "error" not in said, said["error"]
                return said

    def open(self, page: Path, width: int, scheme: str = "light", media: str = "screen") -> None:
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self("Emulation.setEmulatedMedia", media=media, features=features)
        self("Page.navigate", url=page.as_uri())
        self._until(lambda said: said.get("method") == "Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        said = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, whole: bool = False) -> bytes:
        said = self("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(said["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self("Page.printToPDF", preferCSSPageSize=True)["data"])


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    pytest.importorskip("websocket", reason="the package websocket-client is not installed")
    folder = tmp_path_factory.mktemp("chromium")
    command = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Browser(_address(folder / "DevToolsActivePort"))
    finally:
        process.terminate()
        process.wait(WAIT)


def _address(told: Path) -> str:
    """Where the tab listens: chromium writes its port to a file once it does."""
    end = time.monotonic() + WAIT
    while not (told.exists() and told.read_text("utf-8").count("\n")):
        assert time.monotonic() < end, "chromium did not start"
        time.sleep(0.05)
    port = told.read_text("utf-8").split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=WAIT) as answer:
        tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
    return str(tabs[0]["webSocketDebuggerUrl"])
