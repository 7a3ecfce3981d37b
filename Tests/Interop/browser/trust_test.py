"""The page's own handshake against the test vectors that Swift's tests read too."""


def test_every_vector_comes_to_what_it_must(open_page):
    page = open_page("vectors.html")
    outcome = page.run("""
        return runVectors(async (name) => (await fetch(`trust/${name}.json`)).json());
    """)
    assert outcome["failures"] == []
    assert outcome["checks"] > 600
