"""Which web pages may use `peerpouch serve`, as whom, and what PouchDB tells of those that may not."""

import os

import pytest

from conftest import ADMIN, ask

pytestmark = pytest.mark.skipif(not os.environ.get("POUCHDB_JS"), reason="POUCHDB_JS does not name PouchDB's file")


@pytest.fixture
def page(open_page, server):
    page = open_page("pouchdb.html")
    page.run("server = arguments[0]", server.url(ADMIN))
    return page


def test_a_page_of_a_listed_origin_may_read_the_headers_that_it_needs(page, server, name):
    status, exposed = page.run("""
        await remote(arguments[0]).put({_id: "a"});
        const answer = await fetch(`${arguments[1]}/${arguments[0]}/a`, {
          credentials: "include", headers: {Authorization: "Basic " + btoa("admin:password"), "If-None-Match": '"none"'}});
        return [answer.status, Object.fromEntries(answer.headers)];
    """, name, server.url())
    assert status == 200
    assert exposed["etag"].startswith('"1-')
    assert "server" in exposed
    assert len(exposed["x-couch-request-id"]) == 10


def test_a_session_stands_for_name_and_password(page, server, name):
    wrong, logged_in, who, written, after = page.run("""
        const url = arguments[1];
        const session = (method, body) => fetch(`${url}/_session`, {method, credentials: "include",
          headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)}).then((answer) => answer.json());
        const wrong = await session("POST", {name: "admin", password: "wrong"});
        const loggedIn = await session("POST", {name: "admin", password: "password"});
        const who = (await session("GET")).userCtx;
        const db = new PouchDB(`${url}/${arguments[0]}`);
        const written = await db.put({_id: "a"});
        await session("DELETE");
        return [wrong, loggedIn, who, written.ok, await failure(db.get("a"))];
    """, name, server.url())
    assert wrong == {"error": "unauthorized", "reason": "Name or password is incorrect."}
    assert logged_in == {"ok": True, "name": "admin", "roles": ["_admin"]}
    assert who == {"name": "admin", "roles": ["_admin"]}
    assert written is True
    assert (after["status"], after["name"]) == (401, "unauthorized")


def test_wrong_and_missing_passwords_are_told(page, server, name):
    assert ask(server, f"/{name}", "PUT")[0] == 201
    wrong, missing, creating, option = page.run("""
        const [name, url] = arguments;
        return Promise.all([
          failure(new PouchDB(`${url.replace("//", "//admin:wrong@")}/${name}`).get("a")),
          failure(new PouchDB(`${url}/${name}`).put({_id: "a"})),
          failure(new PouchDB(`${url}/${name}-new`).info()),
          failure(new PouchDB(`${url}/${name}`, {auth: {username: "admin", password: "password"}}).get("a")),
        ]);
    """, name, server.url())
    assert (wrong["status"], wrong["name"], wrong["reason"]) == (401, "unauthorized", "Name or password is incorrect.")
    assert (missing["status"], missing["reason"]) == (401, "You are not authorized to access this db.")
    assert (creating["status"], creating["name"]) == (401, "unauthorized")
    assert (option["status"], option["name"]) == (404, "not_found")
    assert ask(server, f"/{name}-new")[0] == 404


def test_a_live_sync_with_a_wrong_password_ends_with_an_error(page, server, name):
    assert ask(server, f"/{name}", "PUT")[0] == 201
    error = page.run("""
        const [name, url] = arguments;
        const db = new PouchDB(name);
        await db.put({_id: "a"});
        const sync = db.sync(`${url.replace("//", "//admin:wrong@")}/${name}`, {live: true, retry: true});
        return new Promise((resolve) => sync.on("error", ({status, name, reason}) => resolve({status, name, reason})));
    """, name, server.url())
    assert error == {"status": 401, "name": "unauthorized", "reason": "Name or password is incorrect."}


def test_a_page_of_another_origin_is_refused(chromium, open_page, pages, server, name):
    page = open_page("pouchdb.html", origin=pages.other_origin)
    error, blind, read = page.run("""
        const [name, url] = arguments;
        const error = await failure(new PouchDB(`${url.replace("//", "//admin:password@")}/${name}`).put({_id: "a"}));
        // What needs no permission to be sent: the page cannot read the answer, and the server does nothing.
        const blind = await fetch(`${url}/_session`, {method: "POST", mode: "no-cors", body: "name=admin&password=password",
          headers: {"Content-Type": "application/x-www-form-urlencoded"}, credentials: "include"});
        return [error, blind.type, await failure(fetch(`${url}/`))];
    """, name, server.url())
    assert error["message"] == "Failed to fetch"
    assert blind == "opaque"
    assert read["message"] == "Failed to fetch"
    assert ask(server, f"/{name}")[0] == 404
    assert all("blocked by CORS policy" in problem for problem in page.problems())


def test_without_listed_origins_every_page_is_refused(open_page, serve, name):
    server = serve("--admin", ":".join(ADMIN))
    page = open_page("pouchdb.html")
    error = page.run("server = arguments[0]; return failure(remote(arguments[1]).put({_id: 'a'}))", server.url(ADMIN), name)
    assert error["message"] == "Failed to fetch"
    assert ask(server, f"/{name}")[0] == 404
    assert all("blocked by CORS policy" in problem for problem in page.problems())


def test_a_read_only_server_is_copied_from_and_refuses_to_be_written(open_page, serve, pages, name):
    server = serve("--admin", ":".join(ADMIN), "--cors", pages.origin)
    assert ask(server, f"/{name}", "PUT")[0] == 201
    assert ask(server, f"/{name}/_security", "PUT", {"members": {"names": [], "roles": []}})[0] == 200
    assert ask(server, f"/{name}/a", "PUT", {"n": 1})[0] == 201
    server.kill()
    server.options.append("--read-only")
    server.start()
    page = open_page("pouchdb.html")
    put, copied, again, pushed, ids = page.run("""
        const there = new PouchDB(`${arguments[1]}/${arguments[0]}`);
        const db = new PouchDB(arguments[0]);
        const put = await failure(there.put({_id: "b"}));
        const copied = await db.replicate.from(there);
        const again = await db.replicate.from(there);
        await db.put({_id: "mine"});
        const pushed = await failure(db.replicate.to(there));
        return [put, copied.docs_written, again.docs_read, pushed, (await there.allDocs()).rows.map(({id}) => id)];
    """, name, server.url())
    assert (put["status"], put["name"]) == (403, "forbidden")
    assert (copied, again) == (1, 0)
    assert pushed["status"] == 403
    assert ids == ["a"]
