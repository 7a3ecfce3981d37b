"""A browser's tab as a peer: `page.html`, and a web server that carries the lines to it and from it."""

import http.server
import pathlib
import queue
import threading

from peers import Peer

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class PagePeer(Peer):
    """A peer in a page that `open_page` opens, given its URL; `close_page` closes it.

    Each has an origin of its own, so that the tabs of two are two processes.
    """

    def __init__(self, open_page, close_page, name="page"):
        super().__init__(name)
        # The lines to the page; None ends them.
        self.requests = queue.SimpleQueue()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.close_page = close_page
        open_page(f"http://127.0.0.1:{self.server.server_port}/page.html")

    def handler(self):
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path == "/requests":
                    self.stream()
                    return
                file = HERE / self.path.removeprefix("/")
                if file.parent != HERE or file.suffix not in TYPES or not file.is_file():
                    self.answer(404, b"")
                    return
                self.answer(200, file.read_bytes(), TYPES[file.suffix])

            def stream(self):
                """Sends the lines as they come."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b": lines\n\n")
                while (line := peer.requests.get()) is not None:
                    self.wfile.write(b"data: " + line.encode() + b"\n\n")
                self.close_connection = True

            def do_POST(self):
                for line in self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines():
                    peer.take(line)
                self.answer(204, b"")

            def answer(self, status, body, kind="text/plain"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def send_line(self, line):
        self.requests.put(line)

    def close(self):
        self.close_page()
        self.gone()
        self.requests.put(None)
        self.server.shutdown()
        self.server.server_close()
