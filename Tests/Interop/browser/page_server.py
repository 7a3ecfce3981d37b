"""A web server for the tests' pages."""

import http.server
import mimetypes
import pathlib
import threading
import urllib.parse

PAGES = pathlib.Path(__file__).resolve().parent / "pages"
ROOT = PAGES.parents[3]
# Folders of the repository whose files the pages use, by the beginning of their paths.
FOLDERS = {"Browser": ROOT / "Browser", "trust": ROOT / "Tests" / "Fixtures" / "trust"}
# Python on its own does not know that these are scripts.
mimetypes.add_type("text/javascript", ".mjs")


class PageServer:
    """Serves the folder `pages`, the plugin, the test vectors, and files from elsewhere, on a free port of 127.0.0.1.

    `origin` and `other_origin` are two origins, of two sites, that name it: its pages may be opened as either's.
    """

    def __init__(self, files=None):
        # The files from elsewhere, by their path in the URL.
        self.files = {f"/{name}": pathlib.Path(path) for name, path in (files or {}).items()}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = server.file(urllib.parse.unquote(urllib.parse.urlsplit(self.path).path))
                if path is None:
                    self.send_error(404)
                    return
                body = path.read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.other_origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def file(self, path):
        """The file for a path of a URL; None if there is none."""
        if path in self.files:
            return self.files[path]
        first, _, rest = path.lstrip("/").partition("/")
        folder, name = (FOLDERS[first], rest) if first in FOLDERS else (PAGES, path.lstrip("/"))
        file = (folder / name).resolve()
        return file if file.is_relative_to(folder) and file.is_file() else None

    def close(self):
        self.server.shutdown()
        self.server.server_close()
