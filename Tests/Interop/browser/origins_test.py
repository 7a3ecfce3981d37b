"""Pages that try to use `peerpouch serve` in ways that no permission covers."""

import base64

from conftest import ask


def test_a_name_that_was_made_to_point_here_is_refused(chromium, server):
    port = server.port
    page = chromium.open(f"http://rebound.example:{port}/")
    status, reason = page.run("""
        const answer = await fetch("/_all_dbs", {headers: {Authorization: "Basic " + btoa("admin:password")}});
        return [answer.status, await answer.json()];
    """)
    assert status == 421
    assert reason["error"] == "misdirected_request"
    page.close()


def test_a_page_elsewhere_cannot_show_what_the_server_has(chromium, open_page, pages, server, name):
    assert ask(server, f"/{name}", "PUT")[0] == 201
    assert ask(server, f"/{name}/_security", "PUT", {"members": {"names": [], "roles": []}})[0] == 200
    assert ask(server, f"/{name}/a", "PUT", {"_attachments": {"x.svg": {
        "content_type": "image/svg+xml",
        "data": base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>').decode()}}})[0] == 201
    script = """
        return new Promise((resolve) => {
          const image = new Image();
          image.onload = () => resolve("shown");
          image.onerror = () => resolve("refused");
          image.src = `${arguments[1]}/${arguments[0]}/a/x.svg`;
        });
    """
    assert open_page("blank.html", origin=pages.other_origin).run(script, name, server.url()) == "refused"
    own = chromium.open(f"{server.url()}/")
    assert own.run(script, name, server.url()) == "shown"
    own.close()


def test_an_attachment_that_is_a_page_is_a_download_in_a_sandbox(chromium, server, name):
    assert ask(server, f"/{name}", "PUT")[0] == 201
    assert ask(server, f"/{name}/_security", "PUT", {"members": {"names": [], "roles": []}})[0] == 200
    page = "<!doctype html><title>harmless</title><script>document.title = 'script ran'</script>"
    assert ask(server, f"/{name}/a", "PUT", {"_attachments": {"x.html": {
        "content_type": "text/html", "data": base64.b64encode(page.encode()).decode()}}})[0] == 201
    tab = chromium.open(f"{server.url()}/")
    headers = tab.run("return fetch(arguments[0]).then((answer) => Object.fromEntries(answer.headers))", f"/{name}/a/x.html")
    assert headers["content-security-policy"] == "sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment")
    tab.close()
