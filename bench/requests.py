"""The queue of requests and the page of one, among 100,000, as a web process serves them to an officer."""

import datetime as dt
import http.client
import json

from django.utils import timezone

from accounts.models import User
from bench import invented
from bench.databases import copy_database, drop_databases, prepared
from bench.processes import web
from bench.telling import figure, p95, seconds
from bench.under_way import signed_in_officer
from callmama_privacy.static_files import collect_if_changed
from dsar.deadlines import compute_deadline
from dsar.models import SubjectRequest

REQUESTS = 100_000
OPEN_ONE_IN = 5
PEOPLE = 20_000
TEMPLATE = "bench_requests"
ROUNDS = 200
WARM = 20
PAGES = ("", "?open=late", "?open=risk", "?open=all&p=40", "?open=closed&type__exact=erasure", "?q=DSR-2026-070001")


def measure(rows: int) -> list[dict]:
    """Measure both: the queue with its filters in turn, and the pages of a hundred different requests."""
    collect_if_changed()
    prepared(TEMPLATE, hundred_thousand_requests)
    copy_database(TEMPLATE)
    headers = signed_in_officer()
    ids = list(SubjectRequest.objects.order_by("reference").values_list("pk", flat=True)[:: REQUESTS // 100])
    queue = [f"/admin/dsar/subjectrequest/{query}" for query in PAGES]
    page = [f"/admin/dsar/subjectrequest/{pk}/change/" for pk in ids]
    with web() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        times = {}
        for name, paths in (("queue", queue), ("request", page)):
            for n in range(WARM):
                _open(connection, paths[n % len(paths)], headers)
            times[name] = [
                seconds(lambda n=n, paths=paths: _open(connection, paths[n % len(paths)], headers)) * 1000
                for n in range(ROUNDS)
            ]
    drop_databases(TEMPLATE)
    return [
        figure(f"{name}_page_p95_ms", p95(each), "ms", against="under 150 ms", rows=REQUESTS, pages=ROUNDS)
        for name, each in times.items()
    ]


def _open(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, f"{path} answers {answer.status}"


def hundred_thousand_requests() -> None:
    """Make them in all states, a fifth of them open, each with its dates, an earlier answer and a trail."""
    now = timezone.now()
    user = User.objects.create_user("owner@example.test", "not signed in with", name="Owner")
    invented.make_workspaces(PEOPLE, name="asks", ends="now() + interval '90 days'")
    invented.make_people(name="asks", count=PEOPLE)
    received = now - dt.timedelta(days=20)
    deadline = compute_deadline(regime="eu_gdpr", request_type="access", received_at=received, region="DE")
    values = {
        "count": REQUESTS, "people": PEOPLE, "user": user.pk, "one_in": OPEN_ONE_IN,
        "answer": json.dumps(deadline.as_dict()), "rule": deadline.rule_version, "holidays": deadline.holiday_data,
    }  # fmt: skip
    invented.run(
        "INSERT INTO dsar_subjectrequest (id, reference, type, received_at, channel, regime, region, person_id,"
        " workspace_id, requester_name, requester_contact, note, ticket_reference, state, state_since, owner_id,"
        " registered_by_id, registered_at, statutory_due_on, statutory_due_at, service_target_on, service_target_at,"
        " due_at, due_on, is_paused, acknowledge_by_on, acknowledge_by_at, acknowledged_at, remind_at, closed_at,"
        " also_under, contact_key)"
        " SELECT md5('r' || n)::uuid, 'DSR-2026-' || lpad(n::text, 6, '0'),"
        " (ARRAY['access','erasure','rectification','portability','objection'])[n %% 5 + 1], received, 'email',"
        " 'eu_gdpr', 'DE', md5('pasks' || (n %% %(people)s + 1))::uuid, md5('asks' || (n %% %(people)s + 1))::uuid,"
        " 'Invented Person ' || n, 'person' || n || '@example.test', '', '',"
        " CASE WHEN is_open THEN (ARRAY['received','identity','collecting','review','approved'])[n / 7 %% 5 + 1]"
        "      ELSE (ARRAY['closed','delivered','refused','withdrawn','expired'])[n %% 5 + 1] END,"
        " received, CASE WHEN n %% 3 > 0 THEN %(user)s END, %(user)s, received,"
        " (received + interval '31 days')::date, received + interval '31 days', (received + interval '30 days')::date,"
        " received + interval '30 days', received + interval '30 days', (received + interval '30 days')::date, false,"
        " NULL, NULL, NULL, CASE WHEN is_open THEN received + interval '40 days' END,"
        " CASE WHEN NOT is_open THEN received + interval '20 days' END, '[]', sha256(('person' || n)::bytea)"
        " FROM generate_series(1, %(count)s) n, LATERAL (SELECT n %% %(one_in)s = 0 AS is_open) o,"
        " LATERAL (SELECT now() - CASE WHEN is_open THEN (n %% 800) * interval '1 h'"
        "                              ELSE interval '30 days' + (n %% 15000) * interval '1 h' END AS received) r",
        values,
    )
    invented.run(
        "INSERT INTO dsar_deadlineresult (request_id, cause, computed_at, regime, rule_version, holiday_data, given,"
        " answer, ended_at, others)"
        " SELECT md5('r' || n)::uuid, 'registered', now() - interval '20 days', 'eu_gdpr', %(rule)s, %(holidays)s, '{}',"
        " %(answer)s::jsonb, CASE WHEN k = 1 THEN now() - interval '10 days' END, '[]'"
        " FROM generate_series(1, %(count)s) n, generate_series(1, 2) k ORDER BY n, k",
        values,
    )
    invented.run(
        "INSERT INTO dsar_requestevent (request_id, at, kind, text, state, by_id)"
        " SELECT md5('r' || n)::uuid, now() - interval '20 days' + k * interval '1 day', 'moved', 'Collecting.',"
        " 'collecting', %(user)s FROM generate_series(1, %(count)s) n, generate_series(1, 5) k",
        values,
    )
