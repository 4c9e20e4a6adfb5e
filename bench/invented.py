"""Invented customers and calls, made by the database itself: a million rows in seconds. Numbers are from ranges for fiction."""

import datetime as dt

from django.db import connection

from accounts.models import Workspace
from retention.models import Rule
from telecom_records.models import ImportSource
from telecom_records.partitions import ensure_month, month_of, next_month

CALLS = "telecom_records_calldetailrecord"
USAGE = "telecom_records_usagerecord"
MONTHS = 12
LONG_AGO = "now() - interval '400 days'"


def run(statement: str, values: dict | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or {})
        return cursor.rowcount


def arm(*rules: str) -> None:
    Rule.objects.filter(pk__in=rules).update(state=Rule.State.ARMED)


def make_months(now: dt.datetime) -> None:
    """Make the months in which the invented calls and usage records lie, up to the one of ``now``."""
    month = month_of(now - dt.timedelta(days=31 * MONTHS))
    while month <= month_of(now):
        ensure_month(CALLS, month)
        ensure_month(USAGE, month)
        month = next_month(month)


def make_workspaces(count: int, *, name: str, ends: str) -> None:
    """Make workspaces ``name``-1 … with one subscription each, which ends at the SQL expression ``ends`` (of ``n``)."""
    values = {"name": name, "count": count}
    run(
        "INSERT INTO accounts_workspace (id, outside_id, name, kind, country, time_zone, created_at, state, ends_at)"
        " SELECT md5(%(name)s || n)::uuid, %(name)s || '-' || n, 'Invented ' || n, 'personal', 'GB', 'Europe/London',"
        f" {LONG_AGO}, 'active', {ends} FROM generate_series(1, %(count)s) n",
        values,
    )
    run(
        "INSERT INTO accounts_subscription (id, outside_id, workspace_id, plan, starts_at, expires_at, recording_enabled)"
        " SELECT md5('s' || %(name)s || n)::uuid, 'S-' || %(name)s || '-' || n, md5(%(name)s || n)::uuid, 'Basic',"
        f" {LONG_AGO}, {ends}, false FROM generate_series(1, %(count)s) n",
        values,
    )


def make_people(*, name: str, count: int) -> None:
    """Give each of the workspaces ``name``-1 … an owner, a credit and the key pair of the workspace."""
    values = {"name": name, "count": count}
    run(
        "INSERT INTO accounts_person (id, outside_id, name, email, phone, billing_address, business_name, country,"
        " language, notify_by_email, notify_by_sms, source, source_detail, created_at)"
        " SELECT md5('p' || %(name)s || n)::uuid, 'P-' || %(name)s || '-' || n, 'Invented Person ' || n,"
        " 'person' || n || '@example.test', '', '', '', 'GB', 'en', true, false, 'self', '',"
        f" {LONG_AGO} FROM generate_series(1, %(count)s) n",
        values,
    )
    run(
        "INSERT INTO accounts_membership (workspace_id, person_id, role, since)"
        " SELECT md5(%(name)s || n)::uuid, md5('p' || %(name)s || n)::uuid, 'owner',"
        f" {LONG_AGO} FROM generate_series(1, %(count)s) n",
        values,
    )
    run(
        "INSERT INTO accounts_credit (workspace_id, amount, currency, as_of)"
        " SELECT md5(%(name)s || n)::uuid, 12.5, 'USD', now() FROM generate_series(1, %(count)s) n",
        values,
    )


def make_numbers(count: int, *, name: str) -> None:
    """Give each of the workspaces ``name``-1 … a number, +442079460000 and up to 999 more, since long ago."""
    values = {"name": name, "count": count}
    run(
        "INSERT INTO telecom_records_number (e164, country, is_voip, had_customer)"
        " SELECT '+442079460' || lpad((n - 1)::text, 3, '0'), 'GB', true, true FROM generate_series(1, %(count)s) n",
        values,
    )
    run(
        'INSERT INTO telecom_records_numberassignment (outside_id, number_id, workspace_id, "window")'
        " SELECT 'A-' || %(name)s || '-' || n, number.id, md5(%(name)s || n)::uuid,"
        f" tstzrange({LONG_AGO}, NULL) FROM generate_series(1, %(count)s) n"
        " JOIN telecom_records_number number ON number.e164 = '+442079460' || lpad((n - 1)::text, 3, '0')",
        values,
    )


# How calls look, as SQL of the call's number ``n``, and ``x``, one of three that its workspace has; ``at``: when they began,
# the mixed ones in the order in which a switch writes them.
ALIKE = {
    "own": "'+4420794600' || lpad((n %% 100)::text, 2, '0')",
    "direction": "'outbound'",
    "status": "'answered'",
    "at": "%(until)s::timestamptz - (n * 104729 %% %(seconds)s) * interval '1 s'",
}
MIXED = {
    "own": "'+1' || 200 + x / 100 || '55501' || lpad((x %% 100)::text, 2, '0')",
    "direction": "CASE WHEN n %% 3 = 0 THEN 'inbound' ELSE 'outbound' END",
    "status": "coalesce((ARRAY['no_answer','no_answer','busy','cancelled','failed'])[n / 7 %% 20], 'answered')",
    "at": "%(until)s::timestamptz - (%(count)s - n) * %(seconds)s / %(count)s * interval '1 s'",
}


def make_calls(
    count: int, *, name: str, of: int = 1, months: int = MONTHS, until: dt.datetime, look: dict[str, str] = ALIKE
) -> None:
    """Make ``count`` calls, spread evenly over ``of`` workspaces and over the months before ``until``."""
    source, _ = ImportSource.objects.get_or_create(name="bench-switch")
    run(
        f"INSERT INTO {CALLS} (workspace_id, own_number, other_party, other_party_kind, direction, started_at,"
        " answered_at, ended_at, duration_s, talk_s, status, currency, source_id, source_key, call_group, time_source,"
        " row_hash, revision)"
        f" SELECT md5(%(name)s || (n %% %(of)s + 1))::uuid, {look['own']},"
        f" '+4470090' || lpad((n * 7919 %% 100000)::text, 5, '0'), 'e164', {look['direction']},"
        f" at, at + interval '3 s', at + interval '63 s', 63, 60, {look['status']}, '', %(source)s,"
        " %(name)s || '-' || n, '', 'explicit_offset', sha256(n::text::bytea), 0"
        " FROM generate_series(1::bigint, %(count)s) n,"
        f" LATERAL (SELECT {look['at']} AS at) moment,"
        " LATERAL (SELECT (n %% %(of)s) * 3 + n / %(of)s %% 3 AS x) place",
        {
            "name": name,
            "of": of,
            "source": source.pk,
            "count": count,
            "until": until,
            "seconds": months * 30 * 24 * 3600,
        },
    )


def make_usage(count: int, *, name: str, of: int, months: int = MONTHS, until: dt.datetime) -> None:
    """Make ``count`` usage records, spread as the calls are."""
    run(
        f"INSERT INTO {USAGE} (workspace_id, occurred_at, event, ip_address, device, browser, operating_system,"
        " country, privacy_control)"
        " SELECT md5(%(name)s || (n %% %(of)s + 1))::uuid,"
        " %(until)s::timestamptz - interval '2 days' - (n * 104729 %% %(seconds)s) * interval '1 s',"
        " 'page', '192.0.2.7', '', 'Firefox', '', '', false FROM generate_series(1::bigint, %(count)s) n",
        {"name": name, "of": of, "count": count, "until": until, "seconds": (months - 1) * 30 * 24 * 3600},
    )


def workspace(name: str, number: int = 1) -> Workspace:
    return Workspace.objects.get(outside_id=f"{name}-{number}")
