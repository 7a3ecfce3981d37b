"""The pages of a server beside the command, as two people use them who hand files over and edit documents."""

import json
import os

import pytest


@pytest.fixture
def send_page(server, visit, name):
    """Opens the page to hand files over, with the tests' hub, and what stands behind the `#`."""
    return lambda fragment="": visit(f"{server.url()}/_peerpouch/send?hub={name}{fragment}")


def write(path, count):
    path.write_bytes(os.urandom(count))
    return path


def test_a_page_takes_what_the_command_sends(send_page, terminal, chromium, tmp_path):
    file = write(tmp_path / "film.bin", 9_000_000)
    sending = terminal.start("send", file)
    ticket = sending.line("Ticket:")
    page = send_page(f"#{ticket}")
    page.wait("#peer-state", "connected")
    page.wait("#theirs li", "film.bin, 8.6 MiB")
    chromium.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "saved")})
    page.click("#theirs button", "Save")
    page.wait("#status", "film.bin has arrived")
    assert sending.process.wait(timeout=30) == 0
    saved = tmp_path / "saved" / "film.bin"
    page.until(lambda: saved.exists() and saved.read_bytes() == file.read_bytes())


def test_the_command_takes_what_a_page_offers(send_page, terminal, tmp_path):
    files = [write(tmp_path / "one.bin", 5_000_000), write(tmp_path / "two é.txt", 10)]
    page = send_page()
    page.wait("#status", "Ready")
    page.find("#offer").send_keys("\n".join(map(str, files)))
    page.wait("#got li", "two é.txt")
    command = page.wait("#ticket").text
    assert command.startswith("peerpouch receive pp1-")
    folder = tmp_path / "received"
    folder.mkdir()
    terminal.run("receive", command.split()[-1], "-o", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {path.name: path.read_bytes() for path in files}
    page.wait("#status", "has received 2 of 2 files")


def test_the_command_puts_files_into_the_box_of_a_page(send_page, terminal, tmp_path):
    page = send_page()
    page.wait("#status", "Ready")
    page.click("#invite")
    ticket = page.wait("#ticket").text.split()[-1]
    terminal.run("send", write(tmp_path / "note.txt", 2_000_000), "--to", ticket)
    page.wait("#got li", "note.txt, 1.9 MiB")


def test_a_page_puts_files_into_an_inbox_of_the_command(send_page, terminal, tmp_path):
    box = tmp_path / "box.pouch"
    sharing = terminal.start("share", box, "--inbox", "--name", "box")
    ticket = sharing.line("Ticket:")
    page = send_page(f"#{ticket}")
    page.wait("#peer-state", "connected")
    file = write(tmp_path / "picture.png", 3_000_000)
    page.find("#files").send_keys(str(file))
    page.wait("#sent li", "arrived")
    sharing.kill()
    [line] = terminal.run("ls", box).splitlines()
    terminal.run("fetch", box, line.split()[0], "picture.png", "-o", tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == file.read_bytes()


def test_the_console_edits_a_document_of_the_command(server, visit, name, terminal, tmp_path):
    notes = tmp_path / "notes.pouch"
    terminal.run("put", notes, text='{"_id":"milk","count":1}')
    sharing = terminal.start("share", notes, "--anyone", "--write", "--name", "notes")
    sharing.line("URL:")
    page = visit(f"{server.url()}/_peerpouch/?hub={name}")
    page.wait("#shares td", "notes")
    page.click("#shares button", "Open")
    page.wait("#share-state", "connected")
    page.click("#documents button", "milk")
    page.wait("#document-title", "milk")
    page.run("""
        const area = document.querySelector("#edit textarea");
        area.value = JSON.stringify({ ...JSON.parse(area.value), count: 2 });
    """)
    page.click("#edit button", "Save")
    page.wait("#status", "Saved")
    assert json.loads(terminal.run("get", notes, "milk"))["count"] == 2
    # What is written at the terminal shows in the page.
    terminal.run("put", notes, text='{"_id":"bread","count":3}')
    page.wait("#changes li", "bread")
    page.wait("#documents li", "bread")
    page.wait("#documents-title", "2 of 2")
    page.wait("#connections li", "notes")
    page.picture("console-command")
    sharing.kill()
    page.until(lambda: not page.find("#share-state").text.startswith("connected"))
