"""Chromium without a window, and pages that tell what came of them."""

import queue
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.harness.tools import tool

# Without these it looks for its maker's servers, and for a sandbox that a superuser has not.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


class Telling(SimpleHTTPRequestHandler):
    """Serves a page that tells by POST what came of it."""

    told: queue.Queue[bytes]

    def do_POST(self) -> None:
        """Take it."""
        self.told.put(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def told_by(page: str, folder: Path, target: str, profile: Path) -> bytes:
    """Serve a folder at `host:port`, open its page in a browser, and return what that tells."""
    host, _, port = page.rpartition(":")
    chromium = str(tool("chromium"))
    told = queue.Queue[bytes]()
    handler = type("Handler", (Telling,), {"told": told})
    with ThreadingHTTPServer((host, int(port)), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        command = [chromium, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
        url = f"http://{page}/index.html?gateway=http://{target}"
        with subprocess.Popen([*command, url], stderr=subprocess.DEVNULL) as browser:
            try:
                return told.get(timeout=60)
            finally:
                browser.terminate()
                server.shutdown()
