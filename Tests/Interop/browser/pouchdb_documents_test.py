"""PouchDB's methods on a database of `peerpouch serve`, compared with the same on a database of the browser."""

import os

import pytest

from conftest import ADMIN

pytestmark = pytest.mark.skipif(not os.environ.get("POUCHDB_JS"), reason="POUCHDB_JS does not name PouchDB's file")


@pytest.fixture
def page(open_page, server):
    page = open_page("pouchdb.html")
    page.run("server = arguments[0]", server.url(ADMIN))
    return page


@pytest.fixture
def both(page, name):
    """Runs steps on a database `db` of each kind; what they return must be the same, and is returned."""

    def run(steps):
        results = page.run(f"return both(arguments[0], async (db) => {{ {steps} }})", name)
        assert results["remote"] == results["local"]
        return results["remote"]

    return run


def test_opening_a_url_makes_the_database(page, name):
    info = page.run("return remote(arguments[0]).info()", name)
    assert (info["db_name"], info["doc_count"]) == (name, 0)
    assert page.run("return fetch(`${server.replace(/\\/\\/.*@/, '//')}/${arguments[0]}`, {headers: {Authorization: "
                    "'Basic ' + btoa('admin:password')}}).then((answer) => answer.status)", name) == 200


def test_opening_a_url_with_skip_setup_makes_nothing(page, name):
    error = page.run("return failure(remote(arguments[0], {skip_setup: true}).get('a'))", name)
    assert (error["status"], error["name"], error["reason"]) == (404, "not_found", "Database does not exist.")


def test_documents_are_put_read_edited_and_removed(both):
    results = both("""
        const first = await db.put({_id: "a", text: "žluťoučký 🐎", list: [1, 2.5, null, true, {}]});
        const read = await db.get("a");
        const second = await db.put({...read, text: "changed"});
        const removed = await db.remove("a", second.rev);
        const posted = await db.post({text: "no id"});
        return [first, read, second, removed, posted.ok, (await db.get(posted.id)).text, (await db.info()).doc_count];
    """)
    assert results[1]["text"] == "žluťoučký 🐎"
    assert results[3] == {"ok": True, "id": "a", "rev": "3-r3"}
    assert results[4:] == [True, "no id", 1]


def test_ids_of_any_characters_name_documents(both):
    ids = ["a/b", "ü 🐎", "a+b", "a?b&c=d#e", "a%2Fb", " ", "...", '"', "\\", "_design/x", "_design/a/b", "_local/x y"]
    read = both(f"""
        const ids = {ids!r};
        for (const id of ids) await db.put({{_id: id, is: id}});
        return Promise.all(ids.map(async (id) => (await db.get(id)).is));
    """)
    assert read == ids


def test_conflicts_and_missing_documents_are_errors(both):
    conflict, without, missing, deleted, revision = both("""
        const {rev} = await db.put({_id: "a"});
        const conflict = await failure(db.put({_id: "a", _rev: "1-00000000000000000000000000000000"}));
        const without = await failure(db.put({_id: "a"}));
        const missing = await failure(db.get("b"));
        await db.remove("a", rev);
        const deleted = await failure(db.get("a"));
        const revision = await failure(db.get("a", {rev: "9-00000000000000000000000000000000"}));
        return [conflict, without, missing, deleted, revision].map(({status, name}) => [status, name]);
    """)
    assert conflict == without == [409, "conflict"]
    assert missing == deleted == revision == [404, "not_found"]


def test_reasons_are_those_that_pouchdb_documents(page, name):
    missing, deleted, conflict = page.run("""
        const db = remote(arguments[0]);
        const missing = await failure(db.get("a"));
        const {rev} = await db.put({_id: "a"});
        const conflict = await failure(db.put({_id: "a"}));
        await db.remove("a", rev);
        return [missing, await failure(db.get("a")), conflict];
    """, name)
    assert missing["reason"] == "missing"
    assert deleted["reason"] == "deleted"
    assert conflict["message"] == "Document update conflict."


def test_fields_that_are_reserved_are_refused(both):
    assert both("return (await failure(db.put({_id: 'a', _odd: 1}))).name") == "doc_validation"


def test_documents_are_read_with_every_option(both):
    revision, history, states, leaves, missing, winner, latest = both("""
        const first = await db.put({_id: "a", step: 1});
        const second = await db.put({_id: "a", _rev: first.rev, step: 2});
        await db.bulkDocs([{_id: "a", _rev: "2-ffffffffffffffffffffffffffffffff", step: "other",
          _revisions: {start: 2, ids: ["f".repeat(32), first.rev.slice(2)]}}], {new_edits: false});
        const sorted = (list) => list.sort((one, other) => (String(one.ok.step) < String(other.ok.step) ? -1 : 1));
        return [
          await db.get("a", {rev: first.rev}),
          await db.get("a", {rev: second.rev, revs: true}),
          await db.get("a", {revs_info: true}),
          sorted(await db.get("a", {open_revs: "all"})),
          (await db.get("a", {open_revs: ["7-00000000000000000000000000000000"]}))[0].missing,
          await db.get("a", {conflicts: true}),
          await db.get("a", {rev: second.rev, latest: true}),
        ];
    """)
    assert revision["step"] == 1
    assert history["_revisions"]["start"] == 2
    assert [state["status"] for state in states["_revs_info"]] == ["available", "available"]
    assert [leaf["ok"]["step"] for leaf in leaves] == [2, "other"]
    assert missing.startswith("7-")
    assert len(winner["_conflicts"]) == 1
    assert latest["step"] == 2


def test_many_documents_are_written_at_once(both):
    results, listed, conflicts, replicated = both("""
        const results = await db.bulkDocs([{_id: "a", n: 1}, {_id: "b", n: 2}, {_id: "c", n: 3}]);
        const conflicts = await db.bulkDocs({docs: [{_id: "a", n: 9}, {_id: "b", _rev: results[1].rev, _deleted: true}]});
        const replicated = await db.bulkDocs([{_id: "d", _rev: "5-dddddddddddddddddddddddddddddddd"}], {new_edits: false});
        const made = await db.bulkDocs([{n: 4}]);
        const listed = (await db.allDocs()).rows.filter(({id}) => id !== made[0].id);
        return [results, listed, conflicts.map(({status, name, ok, id}) => ({status, name, ok, id})), replicated];
    """)
    assert [result["id"] for result in results] == ["a", "b", "c"]
    assert [row["id"] for row in listed] == ["a", "c", "d"]
    assert conflicts[0] == {"status": 409, "name": "conflict", "id": "a"}
    assert conflicts[1]["ok"] is True
    assert replicated == []


def test_documents_are_listed_with_every_option(both):
    results = both("""
        const written = await db.bulkDocs(array(10, (index) => ({_id: `d${index}`, index})));
        await db.remove("d3", written[3].rev);
        const options = [
          {}, {include_docs: true, limit: 2}, {startkey: "d2", endkey: "d6"}, {startkey: "d2", endkey: "d6", inclusive_end: false},
          {startkey: "d6", endkey: "d2", descending: true}, {skip: 3, limit: 2}, {key: "d4"}, {key: "none"},
          {keys: ["d5", "none", "d3", "d5"], include_docs: true}, {keys: ["d5", "d1"], limit: 1, skip: 1},
          {limit: 0}, {startkey: "x"}, {keys: []},
        ];
        const rows = [];
        for (const option of options) rows.push((await db.allDocs(option)).rows);
        return [rows, (await db.allDocs()).total_rows];
    """)
    rows, total = results
    assert total == 9
    assert [row["id"] for row in rows[2]] == ["d2", "d4", "d5", "d6"]
    assert rows[8][1] == {"key": "none", "error": "not_found"}
    assert rows[8][2]["value"]["deleted"] is True


def test_several_revisions_are_read_at_once(both):
    results = both("""
        const [a, b] = await db.bulkDocs([{_id: "a", n: 1}, {_id: "b", n: 2}]);
        const {results} = await db.bulkGet({docs: [{id: "a", rev: a.rev}, {id: "b"}, {id: "none", rev: a.rev}], revs: true});
        return results.map(({id, docs}) => [id, docs.map((doc) => doc?.ok ?? null)]);
    """)
    assert [result[0] for result in results] == ["a", "b", "none"]
    assert results[0][1][0]["_revisions"]["start"] == 1
    assert results[2][1] == [None]


def test_changes_are_read_with_every_option(both):
    everything, limited, backwards, of_ids, selected, filtered, rest, nothing = both("""
        const written = await db.bulkDocs(array(10, (index) => ({_id: `d${index}`, index})));
        await db.remove("d3", written[3].rev);
        const shown = ({results}) => results.map(({id, changes, deleted, doc}) => ({id, changes, deleted, doc}));
        const part = await db.changes({limit: 4});
        return [
          shown(await db.changes({include_docs: true})), shown(part), shown(await db.changes({descending: true, limit: 2})),
          shown(await db.changes({doc_ids: ["d1", "d3"]})), shown(await db.changes({selector: {index: {$gt: 7}}})),
          shown(await db.changes({filter: (doc) => doc.index === 5})), shown(await db.changes({since: part.last_seq})),
          shown(await db.changes({since: "now"})),
        ];
    """)
    assert [change["id"] for change in everything] == ["d0", "d1", "d2", "d4", "d5", "d6", "d7", "d8", "d9", "d3"]
    assert [change["id"] for change in backwards] == ["d3", "d9"]
    assert [change["id"] for change in of_ids] == ["d1", "d3"]
    assert [change["id"] for change in selected] == ["d8", "d9"]
    assert [change["id"] for change in filtered] == ["d5"]
    assert len(limited) + len(rest) == 10
    assert nothing == []


def test_live_changes_since_now_tell_only_what_comes(both):
    told = both("""
        await db.put({_id: "before"});
        const told = [];
        let isLive = false;
        let ended;
        const last = new Promise((resolve) => { ended = resolve; });
        const feed = db.changes({live: true, since: "now", include_docs: true});
        const complete = new Promise((resolve, reject) => feed.on("complete", resolve).on("error", reject));
        feed.on("change", ({id, doc}) => {
          isLive = true;
          if (id !== "beat") told.push([id, doc.n]);
          if (id === "last") ended();
        });
        let beat = {};
        while (!isLive) beat = await db.put({_id: "beat", _rev: beat.rev});
        await db.put({_id: "one", n: 1});
        await db.put({_id: "last", n: 2});
        await last;
        feed.cancel();
        return [told, (await complete).status];
    """)
    assert told == [[["one", 1], ["last", 2]], "cancelled"]


def test_documents_are_found_by_selectors(page, name):
    if not page.run("return 'find' in PouchDB.prototype"):
        pytest.skip("PouchDB's plugin pouchdb.find.js is not beside POUCHDB_JS")
    found, sorted_, explained, index = page.run("""
        const db = remote(arguments[0]);
        await db.bulkDocs(array(30, (index) => ({_id: `d${index}`, index, kind: index % 2 ? "odd" : "even", tags: ["t" + index % 3]})));
        return [
          await db.find({selector: {kind: "odd", index: {$lt: 6}}}),
          await db.find({selector: {tags: {$elemMatch: {$eq: "t1"}}}, fields: ["_id"], sort: [{index: "desc"}], limit: 2, skip: 1}),
          await db.explain({selector: {kind: "odd"}}),
          await failure(db.createIndex({index: {fields: ["kind"]}})),
        ];
    """, name)
    assert sorted(document["_id"] for document in found["docs"]) == ["d1", "d3", "d5"]
    assert sorted_["docs"] == [{"_id": "d25"}, {"_id": "d22"}]
    assert explained["dbname"] == name
    assert index["status"] == 501


def test_views_are_refused_as_not_implemented(page, name):
    missing, error, temporary = page.run("""
        const db = remote(arguments[0]);
        const missing = await failure(db.query("design/all"));
        await db.put({_id: "_design/design", views: {all: {map: "function (doc) { emit(doc._id); }"}}});
        return [missing, await failure(db.query("design/all")), await failure(db.query((doc, emit) => emit(doc._id)))];
    """, name)
    assert missing["status"] == 404
    assert (error["status"], error["name"]) == (501, "not_implemented")
    assert temporary["status"] == 410


def test_local_documents_are_kept_out_of_lists_and_changes(both):
    results = both("""
        const first = await db.put({_id: "_local/settings", dark: true});
        const read = await db.get("_local/settings");
        await db.put({...read, dark: false});
        const changed = await db.get("_local/settings");
        await db.remove(changed);
        const gone = await failure(db.get("_local/settings"));
        return [first.ok, first.id, read.dark, changed.dark, gone.status,
          (await db.allDocs()).rows, (await db.changes()).results, (await db.info()).doc_count];
    """)
    assert results == [True, "_local/settings", True, False, 404, [], [], 0]


def test_compaction_removes_the_bodies_of_old_revisions(both):
    result, status, states = both("""
        const first = await db.put({_id: "a", n: 1});
        await db.put({_id: "a", _rev: first.rev, n: 2});
        const result = await db.compact({interval: 10});
        return [result, (await failure(db.get("a", {rev: first.rev}))).status,
          (await db.get("a", {revs_info: true}))._revs_info.map(({status}) => status)];
    """)
    assert result == {"ok": True}
    assert status == 404
    assert states == ["available", "missing"]


def test_destroyed_databases_are_gone(page, name):
    result, answer, again = page.run("""
        const db = remote(arguments[0]);
        await db.put({_id: "a"});
        const result = await db.destroy();
        const answer = await failure(remote(arguments[0], {skip_setup: true}).get("a"));
        return [result, answer, (await remote(arguments[0]).info()).doc_count];
    """, name)
    assert result["ok"] is True
    assert (answer["status"], answer["reason"]) == (404, "Database does not exist.")
    assert again == 0


def test_five_thousand_documents_are_written_listed_and_changed(page, name):
    count, rows, ids, edited, changes = page.run("""
        const db = remote(arguments[0]);
        const written = await db.bulkDocs(array(5000, (index) => ({_id: `d${String(index).padStart(4, "0")}`, index})));
        const {total_rows, rows} = await db.allDocs({include_docs: true});
        const edits = await db.bulkDocs(rows.map(({doc}) => ({...doc, edited: true})));
        const seen = new Set();
        const {results} = await db.changes({include_docs: true, batch_size: 1000});
        results.forEach(({id, doc}) => { if (doc.edited) seen.add(id); });
        return [written.filter(({ok}) => ok).length, total_rows, rows.every(({id, doc}, index) => doc.index === index),
          edits.filter(({ok}) => ok).length, seen.size];
    """, name)
    assert (count, rows, ids, edited, changes) == (5000, 5000, True, 5000, 5000)
