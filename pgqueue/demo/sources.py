"""The demo's input: the sources of the running Python's standard library, served over HTTP."""

import sysconfig
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SKIPPED = {"site-packages", "dist-packages", "__pycache__"}

# Added to the library's sources: most sources that are broken on purpose lie in the library's
# tests, which some installations leave out.
BROKEN = {
    "unclosed.py": b"def total(prices:\n    return sum(prices)\n",
    "dedent.py": b"if True:\n        a = 1\n    b = 2\n",
    "bad_coding.py": b"# -*- coding: no-such-coding -*-\nx = 1\n",
}
BROKEN_FOLDER = "pgqueue-demo-broken"


def library() -> Path:
    """The folder of the standard library."""
    return Path(sysconfig.get_paths()["stdlib"])


def paths() -> list[str]:
    """Every source file, relative to the library; the three added ones are the last."""
    root = library()
    library_paths = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if not _SKIPPED & set(path.relative_to(root).parts)
    )
    return [*library_paths, *(f"{BROKEN_FOLDER}/{name}" for name in BROKEN)]


def read(path: str) -> bytes:
    """The bytes of one source."""
    folder, _, name = path.partition("/")
    if folder == BROKEN_FOLDER:
        return BROKEN[name]
    return (library() / path).read_bytes()


class Server:
    """Serves the sources on this machine while it is entered."""

    def __enter__(self) -> str:
        self._server = _Sources(("127.0.0.1", 0), partial(_Handler, directory=str(library())))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Sources(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the demo kills a client while it reads an answer."""


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with one of the added sources, or with the library's file."""
        name = self.path.removeprefix(f"/{BROKEN_FOLDER}/")
        if name in BROKEN:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BROKEN[name])))
            self.end_headers()
            self.wfile.write(BROKEN[name])
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the command line shows the progress."""
