import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from mcp_sessions.embedded import EmbeddedOptions, Fault, seed_sessions

AGENT = "agent_" + "a" * 32
ORGANIZATION = "org_" + "1" * 32
KEY = "evr_pat_0123456789"


@pytest.fixture
def five(store):
    for n in range(5):
        store.create({"created_at": f"2026-01-0{n + 1}T00:00:00Z", "title": f"part {n}"})


def test_an_empty_server_answers_an_empty_page(get):
    answer = get()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"data": [], "total": 0, "offset": 0, "limit": 20}


def test_every_stored_field_arrives_unchanged(store, get):
    stored = list(seed_sessions(100))
    store.create_many(stored)
    rows = get("?limit=100").json()["data"]
    assert len(rows) == 100
    for row, session in zip(rows[::-1], stored, strict=False):
        if row["id"] == session["id"]:  # ties come in the order of storing
            assert session.items() <= row.items()
    assert {row["id"] for row in rows} == {session["id"] for session in stored}


def test_rows_link_to_the_server_that_sent_them(store, own_api):
    served, client = own_api
    id_ = store.create({})
    origin = served.url.removesuffix("/api")
    row = client.get("/v1/sessions").json()["data"][0]
    assert row["self_url"] == f"{served.url}/v1/sessions/{id_}"
    assert row["view_url"] == row["ui_link"] == f"{origin}/sessions/{id_}"


def test_stored_links_are_sent_as_they_are(store, get):
    links = {"self_url": "https://a/1", "view_url": "https://b/1", "ui_link": "https://c/1"}
    store.create(links)
    assert links.items() <= get().json()["data"][0].items()


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.usefixtures("five")
def test_turning_pages_by_the_links_visits_everything_once(own_api, prefix):
    served, client = own_api
    url = served.url.removesuffix("/api") + f"{prefix}/v1/sessions?search=part&limit=2&later=1"
    seen, back = [], []
    while url:
        page = client.get(url).json()
        seen += [row["title"] for row in page["data"]]
        back.append(page.get("prev_url"))
        url = page.get("next_url")
    assert seen == [f"part {n}" for n in (4, 3, 2, 1, 0)]
    assert [link and dict(parse_qsl(urlsplit(link).query))["offset"] for link in back] == [
        None,
        "0",
        "2",
    ]
    assert urlsplit(back[1]).path == f"{prefix}/v1/sessions"
    assert dict(parse_qsl(urlsplit(back[1]).query)) == {
        "search": "part",
        "later": "1",
        "limit": "2",
        "offset": "0",
    }


@pytest.mark.usefixtures("five")
def test_an_offset_past_the_end_has_the_real_total_and_a_way_back(get):
    page = get("?offset=50&limit=10").json()
    assert (page["data"], page["total"], page["offset"]) == ([], 5, 50)
    assert "next_url" not in page
    assert "offset=40" in page["prev_url"]


@pytest.mark.usefixtures("five")
def test_a_limit_of_0_is_an_empty_page_that_leads_nowhere(get):
    assert get("?limit=0").json() == {"data": [], "total": 5, "offset": 0, "limit": 0}


@pytest.mark.usefixtures("five")
def test_a_limit_above_100_is_echoed_as_100(get):
    page = get("?limit=500").json()
    assert page["limit"] == 100
    assert len(page["data"]) == 5


@pytest.mark.parametrize(
    "query", ["?limit=-1", "?limit=", "?offset=x", "?agent_id=agent_1", "?limit=1&limit=2"]
)
def test_what_cannot_be_read_is_a_400_in_plain_text(get, query):
    answer = get(query)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("Failed to deserialize query string: ")


@pytest.mark.usefixtures("five")
def test_an_unknown_agent_has_no_sessions(get):
    assert get(f"?agent_id={AGENT}").json() == {"data": [], "total": 0, "offset": 0, "limit": 20}


@pytest.mark.usefixtures("five")
def test_parameters_of_newer_servers_are_ignored(get):
    assert get("?status=active&mine=true&created_after=x&order=asc&tags=a").json()["total"] == 5


@pytest.mark.parametrize("spelling", ["waitingfortoolresults", "waiting_for_tool_results"])
def test_waiting_is_spelled_as_the_switch_says(store, serve_store, spelling):
    for status in ("waitingfortoolresults", "waiting_for_tool_results"):
        store.create({"status": status})
    _, client = serve_store(status_spelling=spelling)
    rows = client.get("/v1/sessions").json()["data"]
    assert [row["status"] for row in rows] == [spelling, spelling]


def test_unknown_statuses_and_fields_pass_through(store, get):
    store.create({"status": 'hiber"nating', "x_future": {"deep": [1, None]}})
    row = get().json()["data"][0]
    assert row["status"] == 'hiber"nating'
    assert row["x_future"] == {"deep": [1, None]}


def test_a_verbatim_row_stands_among_good_ones(store, get):
    store.create({"created_at": "2026-01-01T00:00:00Z"})
    store.create_verbatim('["not", "an object"]', "2026-01-02T00:00:00Z")
    assert get().json()["data"][0] == ["not", "an object"]


def test_ties_change_places_when_the_switch_says_so(store, serve_store):
    for _ in range(8):
        store.create({"created_at": "2026-01-01T00:00:00Z"})
    _, steady = serve_store()
    _, shuffling = serve_store(shuffle_ties=True)

    def orders(client):
        pages = [client.get("/v1/sessions").json()["data"] for _ in range(12)]
        return {tuple(row["id"] for row in page) for page in pages}

    assert len(orders(steady)) == 1
    assert len(orders(shuffling)) > 1


@pytest.mark.parametrize("sent", [KEY, f"Bearer {KEY}", f"ApiKey {KEY}"])
def test_the_key_is_accepted_bare_and_after_two_schemes(serve_store, sent):
    _, client = serve_store(api_key=KEY)
    assert client.get("/v1/sessions", headers={"authorization": sent}).status_code == 200


@pytest.mark.parametrize("sent", [None, "", "wrong", f"bearer {KEY}", f"Basic {KEY}", f"{KEY}x"])
def test_any_other_key_is_a_401_problem(serve_store, sent):
    _, client = serve_store(api_key=KEY)
    headers = {} if sent is None else {"authorization": sent}
    answer = client.get("/v1/sessions?limit=x", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


def test_another_organization_is_not_found(store, serve_store):
    store.create({})
    _, client = serve_store(organization_id=ORGANIZATION)
    answers = [
        client.get("/v1/sessions", headers=headers).status_code
        for headers in ({}, {"x-org-id": ORGANIZATION}, {"x-org-id": "org_" + "2" * 32})
    ]
    assert answers == [200, 200, 404]


def test_the_key_is_not_in_the_options_that_are_printed():
    assert KEY not in repr(EmbeddedOptions(api_key=KEY))


def test_queued_faults_are_used_up_one_a_request(own_api):
    served, client = own_api
    served.faults.extend([Fault(503), Fault(429, "plain")])
    answers = [client.get("/v1/sessions").status_code for _ in range(3)]
    assert answers == [503, 429, 200]


def test_the_log_tells_what_was_asked_and_with_which_headers(own_api):
    served, client = own_api
    served.faults.append(Fault(500))
    client.get(
        "/v1/sessions?search=a&search=b&limit=", headers={"x-org-id": "org_1", "x-other": "1"}
    )
    (seen,) = served.requests
    assert (seen.method, seen.path) == ("GET", "/api/v1/sessions")
    assert seen.query == (("search", "a"), ("search", "b"), ("limit", ""))
    assert seen.headers["x-org-id"] == "org_1"
    assert "x-other" not in seen.headers
    assert seen.status == 500


def test_the_log_tells_what_every_request_was_answered(serve_store):
    api, client = serve_store(api_key=KEY)
    api.faults.append(Fault(503))
    for query, key in (("", KEY), ("", KEY), ("", "other"), ("?limit=x", KEY)):
        client.get(f"/v1/sessions{query}", headers={"authorization": key})
    assert [seen.status for seen in api.requests] == [503, 200, 401, 400]


def test_a_minute_that_is_used_up_is_a_429_that_says_when_there_is_room_again(serve_store):
    api, client = serve_store(requests_per_minute=3)
    answers = [client.get("/v1/sessions") for _ in range(5)]
    assert [seen.status for seen in api.requests] == [200, 200, 200, 429, 429]
    for refused in answers[3:]:
        wait = refused.json()["retry_after_seconds"]
        assert 50 <= wait <= 60
        assert refused.headers["retry-after"] == str(wait)


def test_a_share_of_the_requests_fails_by_chance_alike_in_every_run(serve_store):
    def statuses():
        _, client = serve_store(fault_share=0.5)
        return [client.get("/v1/sessions").status_code for _ in range(60)]

    once = statuses()
    assert once == statuses()
    assert set(once) == {200, 429, 500, 502, 503, 504}
    assert 15 <= once.count(200) <= 45


def test_a_broken_database_is_a_500(store, get):
    store.close()
    answer = get()
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal server error"}


@pytest.mark.parametrize("path", ["/", "/v1/sessions/", "/v1/sessions/session_1/events", "/health"])
def test_an_unknown_path_is_a_404(own_api, path):
    served, client = own_api
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not found"}
    assert not served.requests


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_a_405(own_api, method):
    _, client = own_api
    answer = client.request(method, "/v1/sessions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["status"] == 405


def test_head_has_the_headers_of_get_and_no_body(own_api):
    _, client = own_api
    head, got = client.head("/v1/sessions"), client.get("/v1/sessions")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


def test_text_of_every_script_arrives_as_utf_8(store, get):
    title = 'می‌خواهم 👩🏽‍🚀 \x1b[31m \0 \u202e " \\ </script>'
    store.create({"title": title})
    answer = get()
    assert answer.json()["data"][0]["title"] == title
    assert "می‌خواهم 👩🏽‍🚀" in answer.content.decode()
    assert json.loads(answer.content)["total"] == 1


SESSION = "session_" + "0197" + "5" * 28


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_session_is_read_by_its_id_without_the_texts_that_only_lists_carry(
    store, own_api, prefix
):
    served, client = own_api
    texts = {"preview": "asked", "output_preview": "replied"}
    store.create({"id": SESSION, "title": "Café", "status": "waiting_for_tool_results", **texts})
    origin = served.url.removesuffix("/api")
    listed = client.get(f"{origin}{prefix}/v1/sessions").json()["data"][0]
    read = client.get(f"{origin}{prefix}/v1/sessions/{SESSION}")
    assert read.status_code == 200
    assert read.json() == {name: value for name, value in listed.items() if name not in texts}
    assert texts.items() <= listed.items()


def test_a_session_that_there_is_not_is_a_404_as_problem_json(own_api):
    answer = own_api[1].get(f"/v1/sessions/{SESSION}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "malformed", ["facets", "stats", SESSION[:-1], SESSION.upper(), f"{SESSION}%0A", "a%20b"]
)
def test_an_id_of_another_form_is_refused_as_a_malformed_one(own_api, malformed):
    answer = own_api[1].get(f"/v1/sessions/{malformed}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")


def test_one_session_is_read_under_the_same_key_faults_and_log_as_the_list(store, serve_store):
    served, client = serve_store(api_key=KEY)
    store.create({"id": SESSION})
    path = f"/v1/sessions/{SESSION}"
    assert client.get(path).status_code == 401
    served.faults.append(Fault(503))
    known = {"authorization": KEY}
    assert [client.get(path, headers=known).status_code for _ in range(2)] == [503, 200]
    assert [(seen.path, seen.status) for seen in served.requests] == [
        (f"/api{path}", status) for status in (401, 503, 200)
    ]
