"""Calls by the tens of thousands, made by the database: enough for its planner to choose as it does for millions."""

import datetime as dt

from django.db import connection

from telecom_records.models import CallDetailRecord
from telecom_records.partitions import ensure_month, month_of
from tests import factories

TABLE = CallDetailRecord._meta.db_table


def make_many(count: int, workspaces, *, until: dt.datetime, months: int = 3) -> None:
    """Make ``count`` answered calls, spread over these workspaces, ten own numbers, and the months before ``until``."""
    for back in range(months + 1):
        ensure_month(TABLE, month_of(until - dt.timedelta(days=30 * back)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (workspace_id, own_number, other_party, other_party_kind, direction, started_at,"
            " duration_s, talk_s, status, currency, source_id, source_key, call_group, time_source, row_hash, revision)"
            " SELECT (%(ids)s::uuid[])[n %% %(of)s + 1], '+44207946010' || n %% 10,"
            " '+447700' || lpad((n * 7919 %% 1000000)::text, 6, '0'), 'e164',"
            " CASE WHEN n %% 3 = 0 THEN 'inbound' ELSE 'outbound' END,"
            " %(until)s::timestamptz - (n * 104729 %% %(seconds)s) * interval '1 s', 60, 55, 'answered', '', %(source)s,"
            " 'many-' || n, '', 'explicit_offset', 'x', 0 FROM generate_series(1::bigint, %(count)s) n",
            {
                "ids": [workspace.pk for workspace in workspaces],
                "of": len(workspaces),
                "until": until,
                "seconds": months * 30 * 24 * 3600,
                "source": factories.make_source().pk,
                "count": count,
            },
        )
        cursor.execute(f"ANALYZE {TABLE}, accounts_workspace")
