"""What a page's share answers to hostile requests, without a connection: the page's own code, and a database that notes what it is asked."""

import pytest


@pytest.fixture
def page(open_page):
    return open_page("access.html")


def test_names_that_lead_elsewhere_do_not_reach_the_database(page):
    outcome = page.run("return paths();")
    assert outcome["statuses"] == [404] * 9 + [400] * 4
    assert outcome["errors"] == ["bad_request", "illegal_docid", "illegal_docid", "illegal_docid", None]
    assert outcome["written"] == ["https://a.example/b"]
    assert outcome["asked"] == []


def test_what_a_connection_has_in_memory_is_bounded_and_the_rest_waits(page):
    assert page.run("return memory();") == {
        "answers": [32, 32], "oneMore": [200, 33], "all": 40, "withAttachments": 4, "lists": 16, "listStatuses": [200],
        "reading": 8, "givenUp": 15,
    }


def test_parts_and_compressed_attachments_are_bounded(page):
    assert page.run("return bodies();") == {
        "many": [400, True], "head": [400, True], "inflated": [1000, 500, 413], "damaged": 400,
        "whole": [[201, 5, 1000]] * 3,
    }


def test_copies_of_revisions_make_a_hundred_leaves_and_bring_nothing_of_their_own(page):
    outcome = page.run("return copies();")
    assert outcome == {
        "limit": 100, "many": [100, 50, 1], "repaired": [["3-a", "2-8", "1-root"], ["forbidden"]],
        "forged": [0, ["doc_validation"] * 5 + ["bad_request"] * 2 + ["doc_validation"]],
        "long": [1000, ["_id", "_rev", "_revisions"]], "twice": [201, 201],
    }


def test_lists_are_what_their_parameters_say_also_while_documents_are_deleted(page):
    assert page.run("return parameters();") == {
        "underscores": ["a", "b"], "plain": ["a", "b"], "empty": [0, 0, 0, None], "pages": [1200, True], "localDeletion": 200,
    }
