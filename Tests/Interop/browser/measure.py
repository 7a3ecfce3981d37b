#!/usr/bin/env python3
"""Measures the plugin and the pages in a headless Chromium, for `scripts/bench browser`.

    measure.py list PEERPOUCH RUNS
    measure.py file PEERPOUCH RTCTOOL RUNS

Prints a line of JSON for each run. `list` opens a database of 20,000 documents of 300 bytes that `peerpouch share` shares, and
lists it with its documents: `seconds`, and `http` for the same from the server. It is PouchDB that lists where POUCHDB_JS
names it. `file` takes 500 MiB of `peerpouch send` by the page of the server: `rate`, in 10^6 bytes a second, from the
click to the end; `raw`, that of messages to that browser over a bare data channel; `memory`, the most that the tab's process has
of its own and of what it shares (PSS), in MiB, and `before`, what it had when the page was there.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "webrtc")]

from run import NETWORK  # noqa: E402

DOCUMENTS = 20_000
BODY = 300
FILE = 500 << 20
# As large as the messages of the tunnel.
MESSAGE = 64 << 10
RAW_SECONDS = 5
ADMIN = ("admin", "password")


class Setting:
    """A server with a hub that everybody may use, pages, and a browser."""

    def __init__(self, stack, peerpouch):
        from chromium import Chromium
        from conftest import pouchdb_files
        from page_server import PageServer
        from peerpouch_server import Server

        self.peerpouch = peerpouch
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("MEASURE_FOLDER"))))
        self.pages = PageServer(pouchdb_files())
        stack.callback(self.pages.close)
        self.server = stack.enter_context(Server(peerpouch, ["--admin", ":".join(ADMIN), "--cors", self.pages.origin]))
        self.chromium = stack.enter_context(Chromium())
        self.hub = self.make("hub")

    def make(self, name):
        """Makes a database that everybody may use, and returns its URL."""
        from conftest import ask

        anybody = {"names": [], "roles": []}
        ask(self.server, f"/{name}", "PUT")
        ask(self.server, f"/{name}/_security", "PUT", {"admins": anybody, "members": anybody})
        return f"{self.server.url()}/{name}"

    def command(self, home, *arguments):
        """Starts the command; peers find each other at the loopback address."""
        environment = dict(os.environ, PEERPOUCH_HOME=str(self.folder / home), PEERPOUCH_ADDRESSES="127.0.0.1")
        return subprocess.Popen(
            [self.peerpouch, *arguments, "--json", "--quiet"], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)


@contextlib.contextmanager
def running(process):
    """Gives the first line that a command says, and ends it."""
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def measure_list(setting, runs):
    from conftest import ask

    setting.make("data")
    text = "x" * (BODY - len(json.dumps({"_id": "d00000", "text": ""})))
    for start in range(0, DOCUMENTS, 1000):
        docs = [{"_id": f"d{number:05}", "text": text} for number in range(start, start + 1000)]
        ask(setting.server, "/data/_bulk_docs", "POST", {"docs": docs})
    has_pouchdb = bool(os.environ.get("POUCHDB_JS"))
    page = setting.chromium.open(f"{setting.pages.origin}/{'peers' if has_pouchdb else 'client'}.html")
    file = setting.folder / "data.pouch"
    copying = setting.command("sharer", "replicate", f"{setting.server.url(ADMIN)}/data", str(file))
    copying.communicate()
    if copying.returncode != 0:
        raise RuntimeError("The database could not be copied.")
    sharer = setting.command("sharer", "share", str(file), "--hub", setting.hub, "--anyone")
    with running(sharer) as said:
        page.run("""
            const [address, http, hasPouchDB] = arguments;
            if (hasPouchDB) PouchDB.plugin(PeerPouch);
            const share = hasPouchDB ? new PouchDB(address) : await PeerPouch.open(address);
            globalThis.database = hasPouchDB ? new PouchDB(http, { skip_setup: true }) : null;
            const path = "/_all_docs?include_docs=true";
            const list = {
              peer: hasPouchDB ? () => share.allDocs({ include_docs: true }) : async () => (await share.fetch(path)).json(),
              http: hasPouchDB ? () => database.allDocs({ include_docs: true }) : async () => (await fetch(http + path)).json(),
            };
            globalThis.time = async (kind) => {
              const start = performance.now();
              const { rows } = await list[kind]();
              return { seconds: (performance.now() - start) / 1000, count: rows.filter(({ doc }) => doc.text).length };
            };
            await (hasPouchDB ? share.info() : share.fetch("/"));
        """, said["url"], f"{setting.server.url()}/data", has_pouchdb)
        for _ in range(runs):
            http, peer = page.run("return await time('http');"), page.run("return await time('peer');")
            assert http["count"] == peer["count"] == DOCUMENTS
            print(json.dumps({"seconds": peer["seconds"], "http": http["seconds"]}), flush=True)


# MARK: Files


class Memory:
    """Watches the largest of a browser's renderers, which is the tab that is at work."""

    def __init__(self, chromium):
        self.browser = chromium.driver.service.process.pid
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def now(self):
        """The PSS of the largest renderer, in MiB."""
        children = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
        waiting, largest = [self.browser], 0
        while waiting:
            process = waiting.pop()
            waiting += children.get(process, [])
            with contextlib.suppress(OSError):
                if b"--type=renderer" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
                    rollup = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
                    largest = max(largest, int(rollup.partition("\nPss:")[2].split()[0]) / 1024)
        return largest

    def watch(self):
        while not self.ended.wait(0.25):
            self.most = max(self.most, self.now())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def raw_rate(setting, rtc_tool):
    """How fast messages get to the browser over a bare data channel."""
    from page_peer import PagePeer
    from peers import ProcessPeer

    tabs = []
    with ProcessPeer([rtc_tool], "ours") as ours, PagePeer(
        lambda url: tabs.append(setting.chromium.open(url)), lambda: tabs[0].close()) as page:
        for peer in ours, page:
            peer.ask("create", address="127.0.0.1")
        ours.ask("open", label="flow", protocol="discard")
        answer = page.ask("answer", sdp=ours.ask("offer")["sdp"])
        ours.ask("accept", sdp=answer["sdp"])
        for peer in ours, page:
            peer.event("open", label="flow")
        sent = ours.ask("pump", label="flow", size=MESSAGE, seconds=RAW_SECONDS)
        received = page.ask("received", label="flow", bytes=sent["bytes"])
        for peer in ours, page:
            peer.ask("close")
    return received["bytes"] / received["seconds"] / 1e6


def file_rate(setting, file):
    """How fast the page takes a file, and what memory its tab has at most and had before."""
    sender = setting.command("sender", "send", str(file), "--hub", setting.hub)
    with running(sender) as said, Memory(setting.chromium) as memory:
        page = setting.chromium.open(f"{setting.server.url()}/_peerpouch/send#{said['ticket']}")
        # The digest is there with the document, which the list is of.
        page.run("while (!document.querySelector('#theirs button')) await new Promise((resolve) => setTimeout(resolve, 100));")
        before = memory.now()
        seconds = page.run("""
            const status = document.querySelector("#status");
            const over = new Promise((resolve, reject) => new MutationObserver(() => {
              if (status.textContent.includes("has arrived")) resolve();
              else if (status.className === "bad") reject(new Error(status.textContent));
            }).observe(status, { childList: true, subtree: true, characterData: true, attributes: true }));
            const start = performance.now();
            document.querySelector("#theirs button").click();
            await over;
            return (performance.now() - start) / 1000;
        """, longest=300)
        most = memory.most
        page.close()
    return {"rate": file.stat().st_size / seconds / 1e6, "memory": most, "before": before}


def measure_file(setting, rtc_tool, runs):
    file = setting.folder / "file.bin"
    with file.open("wb") as output:
        for _ in range(FILE >> 20):
            output.write(os.urandom(1 << 20))
    # What the page saves goes to the profile, and disappears with it.
    setting.chromium.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": setting.chromium.profile.name})
    for _ in range(runs):
        raw = raw_rate(setting, rtc_tool)
        print(json.dumps({"raw": raw, **file_rate(setting, file)}), flush=True)


def main():
    if "MEASURE_INSIDE" not in os.environ:
        os.environ.update(MEASURE_INSIDE="1", no_proxy="*", SE_OFFLINE="true", PEERPOUCH=sys.argv[2], PEERTOOL="")
        os.execvp(NETWORK[0], [*NETWORK, sys.executable, *sys.argv])
    kind, peerpouch, *others, runs = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        setting = Setting(stack, os.path.abspath(peerpouch))
        if kind == "list":
            measure_list(setting, int(runs))
        else:
            measure_file(setting, os.path.abspath(others[0]), int(runs))


main()
