"""The anonymised remainder: monthly traffic figures by country, which survive the customers (mission P7; policy § 5.2).

A figure is made once, when its month is over, from everybody who is a customer at that moment, and never touched again.
No deletion adds to it or takes from it, so the difference between two readings is nothing, whoever left in between; and
nothing of a single customer is kept anywhere until enough of them have come together. See docs/decisions.
"""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from accounts import evidence
from accounts.models import Membership
from telecom_records.countries import country_by_prefix, prefix_sql
from telecom_records.models import ImportRun, TrafficFigure, TrafficMonth
from telecom_records.partitions import month_of, next_month

HARD_FLOOR = 10  # customers under every figure; a setting may only raise it
CLOSE_AFTER = dt.timedelta(days=2)  # after the month's end, for the last files of the switches
BY_ITSELF_UNTIL = dt.timedelta(
    days=62
)  # an older month may still be coming in as history: an officer says when it is whole
OTHER = "other"

# What one customer did in one cell. A temporary table of the transaction: nothing of it is ever stored.
LEGS = """
CREATE TEMPORARY TABLE traffic_leg ON COMMIT DROP AS
SELECT leg.kind, coalesce(same.customer, leg.workspace_id::text) AS customer, coalesce(place.country, '') AS country,
       leg.direction, leg.status, count(*) AS records, sum(leg.seconds) AS seconds
FROM (
    SELECT 'call' AS kind, workspace_id, other_party, direction, status, coalesce(talk_s, 0) AS seconds
    FROM telecom_records_calldetailrecord WHERE started_at >= %(since)s AND started_at < %(until)s
    UNION ALL
    SELECT 'message', workspace_id, other_party, direction, status, 0
    FROM telecom_records_smsrecord WHERE sent_at >= %(since)s AND sent_at < %(until)s
) AS leg
JOIN accounts_workspace AS workspace ON workspace.id = leg.workspace_id AND workspace.state = 'active'
LEFT JOIN unnest(%(prefixes)s::text[], %(countries)s::text[]) AS place (prefix, country) ON place.prefix = {prefix}
LEFT JOIN unnest(%(workspaces)s::uuid[], %(customers)s::text[]) AS same (workspace, customer) ON same.workspace = leg.workspace_id
GROUP BY leg.kind, 2, 3, leg.direction, leg.status
"""
# A cell is safe when enough customers stand in it and none of them makes up more than half of its records or its minutes.
CELLS = """
WITH cell AS (
    SELECT kind, country, direction, status,
           count(*) >= %(floor)s AND max(records) * 2 <= sum(records) AND max(seconds) * 2 <= sum(seconds) AS is_safe,
           sum(records) AS records, sum(seconds) AS seconds
    FROM traffic_leg GROUP BY kind, country, direction, status
), small AS (
    SELECT kind, customer, direction, status, sum(leg.records) AS records, sum(leg.seconds) AS seconds
    FROM traffic_leg AS leg JOIN cell USING (kind, country, direction, status)
    WHERE NOT is_safe GROUP BY kind, customer, direction, status
)
SELECT kind, country, direction, status, records, seconds FROM cell WHERE is_safe
UNION ALL
SELECT kind, %(other)s, direction, status, sum(records), sum(seconds) FROM small
GROUP BY kind, direction, status
HAVING count(*) >= %(floor)s AND max(records) * 2 <= sum(records) AND max(seconds) * 2 <= sum(seconds)
ORDER BY 1, 2, 3, 4
"""


def floor() -> int:
    """Return how many customers must stand behind a figure: the setting, but never under the hard floor."""
    return max(settings.TRAFFIC_FLOOR, HARD_FLOOR)


def close_month(month: dt.date, *, now: dt.datetime) -> bool:
    """Make the figures of the month that starts on ``month`` (UTC), all at once; return whether this call has.

    False when it has been done already, or when the month is not over. One transaction: a killed worker leaves nothing.
    """
    since = dt.datetime.combine(month.replace(day=1), dt.time(), tzinfo=dt.UTC)
    until = dt.datetime.combine(next_month(month), dt.time(), tzinfo=dt.UTC)
    if now < until + CLOSE_AFTER:
        return False
    with transaction.atomic():
        closed, is_first = TrafficMonth.objects.get_or_create(
            month=since.date(), defaults={"closed_at": now, "floor": floor()}
        )
        if not is_first:
            return False
        cells = _count(since, until)
        TrafficFigure.objects.bulk_create([TrafficFigure(month=closed, **cell) for cell in cells])
        evidence.append_entry(
            "TRAFFIC_CLOSED", subject=f"{since:%Y-%m-%d}", body={"figures": len(cells), "floor": closed.floor}
        )
    return True


def _count(since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
    prefixes = country_by_prefix()
    same = customers_of_workspaces()
    with connection.cursor() as cursor:
        cursor.execute(
            LEGS.format(prefix=prefix_sql("leg.other_party")),
            {
                "since": since,
                "until": until,
                "prefixes": list(prefixes),
                "countries": list(prefixes.values()),
                "workspaces": list(same),
                "customers": list(same.values()),
            },
        )
        cursor.execute(CELLS, {"floor": floor(), "other": OTHER})
        names = ("kind", "country", "direction", "status")
        rows = cursor.fetchall()
        cursor.execute("DROP TABLE traffic_leg")
    return [{**dict(zip(names, row[:4], strict=True)), "count": row[4], "minutes": round(row[5] / 60)} for row in rows]


def customers_of_workspaces() -> dict[str, str]:
    """Return, for workspaces that share people, the customer they are together; every other workspace is one of its own.

    Ten workspaces of one person are one customer: otherwise they alone would lift a figure over the floor.
    """
    sharing = Membership.objects.values("person").alias(count=Count("workspace")).filter(count__gt=1)
    links = Membership.objects.filter(person__in=sharing.values("person")).values_list("workspace", "person")
    root: dict[str, str] = {}

    def find(one: str) -> str:
        while root.setdefault(one, one) != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    workspaces = set()
    for workspace, person in links.iterator():
        workspaces.add(str(workspace))
        root[find(str(workspace))] = find(str(person))
    return {workspace: find(workspace) for workspace in workspaces}


def months_to_close(now: dt.datetime) -> list[dt.date]:
    """Return the months that are over for long enough, not closed, and not so old that they may be history coming in.

    None while an import is under way: what is half in would be counted half, and for good.
    """
    states = ImportRun.State
    if ImportRun.objects.filter(state__in=[states.WAITING, states.RUNNING]).exists():
        return []
    month, found = month_of(now - BY_ITSELF_UNTIL), []
    while dt.datetime.combine(next_month(month), dt.time(), tzinfo=dt.UTC) + CLOSE_AFTER <= now:
        found.append(month)
        month = next_month(month)
    closed = set(TrafficMonth.objects.filter(month__in=found).values_list("month", flat=True))
    return [month for month in found if month not in closed]
