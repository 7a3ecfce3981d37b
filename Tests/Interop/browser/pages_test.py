"""The pages that a server has, used as a person uses them."""

import os
import urllib.error
import urllib.request

import pytest

from conftest import ADMIN, ask


def get(url):
    """What a program gets of a path: the status, the headers, the body."""
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture
def console_server(serve):
    """A server as it starts without more said: with an admin that it made up."""
    return serve()


def test_the_pages_load_nothing_from_elsewhere_and_run_nothing_else(server):
    for path in "", "send":
        status, headers, body = get(f"{server.url()}/_peerpouch/{path}")
        assert status == 200
        policy = headers["Content-Security-Policy"]
        for rule in "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'":
            assert rule in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert b"http:" not in body.replace(b"http://www.w3.org/", b"") and b"https:" not in body
    assert get(f"{server.url()}/_peerpouch/../server.json")[0] in (400, 401, 404)
    assert get(f"{server.url()}/_peerpouch/PageFiles.swift")[0] == 404


def test_the_token_of_the_console_begins_one_session(console_server, visit):
    assert "#token=" in console_server.console
    page = visit(console_server.console)
    page.click("#create-hub")
    page.wait("#status", "up to date")
    assert page.run("return location.hash;") == ""
    assert page.run("return (await (await fetch('/_session')).json()).userCtx.name;") == "admin"
    token = console_server.console.partition("#token=")[2]
    again = page.run("""
        const begin = (token) => fetch("/_peerpouch/session", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }) });
        return [(await begin(arguments[0])).status, (await begin("x")).status];
    """, token)
    assert again == [401, 401]


def test_without_a_session_the_console_asks_for_a_password(server, visit):
    assert ask(server, "/hub", "PUT")[0] in (201, 412)
    page = visit(f"{server.url()}/_peerpouch/")
    page.wait("#login h2")
    page.picture("login")
    page.find("#login input[name=name]").send_keys(ADMIN[0])
    page.find("#login input[name=password]").send_keys(ADMIN[1])
    page.click("#login button")
    page.wait("#status", "up to date")


def test_the_console_opens_a_share_and_shows_documents_as_text(server, hub, name, swift_peer, tmp_path, visit):
    data = f"{name}-data"
    assert ask(server, f"/{data}", "PUT")[0] == 201
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    ask(server, f"/{data}/" + urllib.request.quote(evil, safe=""), "PUT", {"html": evil})
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ask(server, f"/{data}/picture", "PUT", {"_attachments": {
        "dot.png": {"content_type": "image/png", "data": png}, "page.html": {"content_type": "text/html", "data": "PHNjcmlwdD4="},
    }})
    peer = swift_peer("share", hub, f"{server.url(ADMIN)}/{data}", tmp_path / "sharer")
    peer.line("sharing")

    page = visit(f"{server.url()}/_peerpouch/?hub={name}")
    page.wait("#shares td", "tool")
    page.picture("console")
    page.click("#shares button", "Open")
    page.wait("#share-state", "connected")
    page.wait("#documents-title", "2 of 2")
    page.click("#documents button", evil)
    page.wait("#document-title", evil)
    assert evil in page.run("return JSON.parse(document.querySelector('#edit textarea').value).html;")
    page.click("#documents button", "picture")
    page.wait("#attachments li", "page.html")
    assert len(page.texts("#attachments li button")) == 3
    page.click("#attachments button", "Show")
    page.wait("#attachments img")
    # A change of somebody else shows by itself, and one made here arrives there.
    ask(server, f"/{data}/live", "PUT", {"n": 1})
    page.wait("#changes li", "live")
    page.click("#changes button", "live")
    page.wait("#document-title", "live")
    page.run("""
        const area = document.querySelector("#edit textarea");
        area.value = JSON.stringify({ ...JSON.parse(area.value), n: 2 });
    """)
    page.click("#edit button", "Save")
    page.wait("#status", "Saved")
    assert ask(server, f"/{data}/live")[1]["n"] == 2
    page.wait("#connections li", "sent")
    page.picture("console-share")
    driver = page.page.front()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})
    page.picture("console-telephone-dark")
    width = page.run("return [document.documentElement.scrollWidth, innerWidth];")
    assert width[0] <= width[1]
    page.click("#close")
    peer.line("left")


def test_a_file_goes_from_one_page_into_the_box_of_another(server, hub, name, visit, tmp_path):
    receiver = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    receiver.wait("#status", "Ready")
    receiver.click("#invite")
    link = receiver.wait("#link-text").get_attribute("href")
    assert "/_peerpouch/send#pp1-" in link

    file = tmp_path / "film <b>.bin"
    file.write_bytes(os.urandom(3_000_000))
    sender = visit(link)
    sender.wait("#peer-state", "connected")
    assert sender.run("return location.hash;") == ""
    receiver.wait("#remotes", "Connected")
    console = visit(f"{server.url()}/_peerpouch/?hub={name}")
    console.wait("#connections li", "gives them “Box of a page”")
    console.picture("console-connections")
    sender.find("#files").send_keys(str(file))
    sender.wait("#sent li", "arrived")
    receiver.wait("#got li", "film <b>.bin, 2.9 MiB")
    receiver.picture("send-box")
    sender.picture("send-sent")


def test_files_of_one_page_are_taken_by_another(server, hub, name, visit, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(b"x" * 6_000_000)
    giver = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    giver.wait("#status", "Ready")
    giver.find("#offer").send_keys(str(file))
    link = giver.wait("#link-text").get_attribute("href")
    giver.wait("#got li", "notes.txt")
    taker = visit(link)
    taker.wait("#theirs li", "notes.txt")
    taker.click("#theirs button", "Save")
    taker.wait("#status", "has arrived")
    giver.wait("#status", "has received 1 of 1 files")


def test_a_link_that_was_used_is_refused_to_others(server, hub, name, visit):
    receiver = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    receiver.wait("#status", "Ready")
    receiver.click("#invite")
    link = receiver.wait("#link-text").get_attribute("href")
    visit(link).wait("#peer-state", "connected")
    # The name `localhost` is another origin, and so another identity.
    other = visit(link.replace("127.0.0.1", "localhost"))
    other.wait("#status", "belongs to another identity")


def test_a_link_asks_who_the_server_does_not_know_for_a_password(console_server, visit):
    page = visit(console_server.console)
    page.click("#create-hub")
    page.wait("#status", "up to date")
    giver = visit(f"{console_server.url()}/_peerpouch/send")
    giver.wait("#status", "Ready")
    giver.click("#invite")
    link = giver.wait("#link-text").get_attribute("href")
    # Another name of the server: no session, and another identity.
    other = visit(link.replace("127.0.0.1", "localhost"))
    other.wait("#login h2")


# A page that shares boxes without a gate, which say what they got.
BOXES = """
    const { FileBox } = await import("/Browser/pages/box.js");
    globalThis.boxes = {};
    for (const name of ["A", "B"]) {
      const box = new FileBox(name);
      boxes[name] = { box, share: await PeerPouch.share(arguments[0], box, { name, access: "inbox" }) };
    }
    return Object.fromEntries(Object.entries(boxes).map(([name, { share }]) => [name, share.dbname]));
"""
# Has the opening of one share wait until it is told to go on.
SLOW = """
    const { PeerPouch } = await import("/_peerpouch/peerpouch.mjs");
    const { open } = PeerPouch;
    const gate = new Promise((resolve) => { globalThis.goOn = resolve; });
    PeerPouch.open = async (where, ...rest) => {
      const remote = await open(where, ...rest);
      if (where === arguments[0]) await gate;
      return remote;
    };
"""
# Writes a share that its owner says to be there for as long as there are numbers.
FAR = """
    const { signShare } = await import("/Browser/source/trust/shares.js");
    const { identityOf, newIdentity } = await import("/Browser/source/basics/crypto.js");
    const identity = await identityOf(await newIdentity());
    const document = await signShare({
      salt: crypto.getRandomValues(new Uint8Array(16)), n: 1, epoch: identity.bytes, name: "far", info: {}, access: "read-only", gate: ["anyone"],
      lease: Number.MAX_SAFE_INTEGER,
    }, identity);
    const answer = await fetch(`${arguments[0]}/${document._id}`, {
      method: "PUT", headers: { "content-type": "application/json" }, credentials: "include", body: JSON.stringify(document) });
    return answer.status;
"""


def test_what_is_chosen_last_is_shown_and_sent_to(open_page, server, hub, name, visit, tmp_path):
    owner = open_page("client.html")
    addresses = owner.run(BOXES, hub)
    assert owner.run(FAR, hub) == 201
    file = tmp_path / "letter.txt"
    file.write_bytes(b"to B only")

    page = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    page.wait("#status", "Ready")
    page.run(SLOW, addresses["A"])
    page.click("#boxes button", "A ")
    page.click("#boxes button", "B ")
    page.wait("#peer-state", "B of")
    page.run("goOn();")
    page.find("#files").send_keys(str(file))
    page.wait("#sent li", "arrived")
    page.wait("#peer-state", "B of")
    got = "return Object.values(boxes).map(({ box, share }) => [box.entries.length, share.remotes.length]);"
    assert owner.run(f"{got.replace('return', 'const look = () =>')} while (look()[0][1] > 0) await event(boxes.A.share, 'left'); {got}") == [[0, 0], [1, 1]]

    # The console is as careful, and lists what is there for ever.
    page = visit(f"{server.url()}/_peerpouch/?hub={name}")
    page.wait("#shares td", "far")
    page.wait("#shares td", "unknown")
    page.wait("#status", "up to date")
    page.run(SLOW, addresses["A"])
    page.click("#shares button[aria-label='Open A']")
    page.click("#shares button[aria-label='Open B']")
    page.wait("#share-title", "B")
    page.run("goOn(); await new Promise((resolve) => setTimeout(resolve, 100));")
    page.wait("#share-title", "B")


def test_a_box_is_opened_again_after_the_hub_was_away(server, hub, name, visit):
    page = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    page.wait("#status", "Ready")
    page.click("#invite")
    first = page.wait("#link-text").get_attribute("href")
    # The hub refuses everything until a new box was asked for.
    page.run("""
        const { PeerPouch } = await import("/_peerpouch/peerpouch.mjs");
        const share = [...(await PeerPouch.peer()).shares.values()][0];
        const { leaves } = share.hub.database;
        share.hub.database.leaves = async () => {
          delete share.hub.database.leaves;
          throw new Error("The hub is away.");
        };
    """)
    page.run("""
        document.querySelector("#invite").click();
        // A second click does not make another one.
        document.querySelector("#invite").click();
        while (document.querySelector("#link-text").href === arguments[0]) await new Promise((resolve) => setTimeout(resolve, 20));
        const { PeerPouch } = await import("/_peerpouch/peerpouch.mjs");
        if ((await PeerPouch.peer()).shares.size !== 1) throw new Error("There are two boxes.");
    """, first)


def test_received_files_do_not_depend_on_what_is_said_of_them_and_stay_while_their_page_is_there(server, hub, name, visit):
    page = visit(f"{server.url()}/_peerpouch/send?hub={name}")
    page.wait("#status", "Ready")
    receive = """
        const { receive } = await import("/_peerpouch/common.js");
        const piece = new Uint8Array(1_000_000).fill(7);
        let count = 0;
        const body = new ReadableStream({ pull(controller) { if (count++ < 9) controller.enqueue(piece); else controller.close(); } });
        globalThis.got = await receive(new Response(body), "text/plain", () => {});
        const root = await navigator.storage.getDirectory();
        const files = async (folder) => {
          let sum = 0;
          for await (const each of folder.values()) sum += each.kind === "file" ? 1 : await files(each);
          return sum;
        };
        return [got.blob.size, await files(root)];
    """
    assert page.run(receive) == [9_000_000, 1]
    other = visit(f"{server.url()}/_peerpouch/?hub={name}")
    other.wait("#hub", name)
    other.wait("#me", "-")
    assert page.run("return (await got.blob.arrayBuffer()).byteLength;") == 9_000_000
    assert page.run(receive) == [9_000_000, 2]
