"""The traffic of one customer, or over one number: calls, messages and recordings together by time, and calls by month."""

import dataclasses
import datetime as dt
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.charts import month_chart
from accounts.keyset import Part
from accounts.portal_admin import shown
from telecom_records.models import CallDetailRecord, Direction, Recording, SmsRecord

MODELS = (CallDetailRecord, SmsRecord, Recording)  # by rank: their order at one instant, a recording above its call
DATED_BY = {CallDetailRecord: "started_at", SmsRecord: "sent_at", Recording: "started_at"}
MONTHS = 12
# How many calls a chart is drawn of. Of a workspace an index has all that is needed: half a million take 0.1 s.
CHART_ROWS = {"workspace": 500_000, "number": 20_000}
COLOURS = {Direction.OUTBOUND: "#2563eb", Direction.INBOUND: "#0d9488", Direction.INTERNAL: "#9ca3af"}


@dataclasses.dataclass(frozen=True)
class Traffic:
    """What went over a workspace, or over a number on either side: one condition for each index that finds it."""

    kind: str  # workspace or number
    conditions: tuple[Q, ...]

    @classmethod
    def of_workspace(cls, workspace_id: Any) -> "Traffic":
        return cls("workspace", (Q(workspace=workspace_id),))

    @classmethod
    def of_number(cls, e164: str) -> "Traffic":
        own = Q(own_number=e164)
        return cls("number", (own, Q(other_party=e164) & ~own))

    def parts(self, models: tuple[type, ...]) -> list[Part]:
        """Return what pages may show of it, of those ``models`` that the reader may see."""
        found = []
        for rank, model in enumerate(MODELS):
            if model in models:
                rows: QuerySet = model._default_manager.all()  # type: ignore[attr-defined]
                visible = shown(rows).prefetch_related("workspace")
                found += [
                    Part(visible.filter(each), rows.filter(each), DATED_BY[model], rank) for each in self.conditions
                ]
        return found

    def charts(self, now: dt.datetime) -> list[tuple[str, dict[str, str]]]:
        """Return the charts of calls and of minutes by month, up to the month of ``now`` in the portal's time zone.

        Only whole months are drawn, of as many calls as ``CHART_ROWS`` allows; none where one month has more.
        """
        months = self._months(now)
        if not months:
            return []
        counted: dict[tuple[dt.date, str], tuple[int, float]] = {}
        for condition in self.conditions:
            rows = shown(CallDetailRecord.objects.filter(condition, started_at__gte=_begin(months[0])))
            by_month = rows.annotate(month=TruncMonth("started_at")).order_by().values_list("month", "direction")
            for month, direction, calls, seconds in by_month.annotate(Count("started_at"), Sum("talk_s")):
                before = counted.get((month.date(), direction), (0, 0))
                counted[month.date(), direction] = before[0] + calls, before[1] + float(seconds or 0)
        used = [direction for direction in Direction if any(key[1] == direction for key in counted)]
        if not used:
            return []

        def series(place: int, unit: float) -> list[tuple[str, str, list[int]]]:
            return [
                (str(each.label), COLOURS[each], [round(counted.get((month, each.value), (0, 0))[place] / unit) for month in months])
                for each in used
            ]  # fmt: skip

        return [
            ("Calls by month", month_chart(months, series(0, 1))),
            ("Minutes by month", month_chart(months, series(1, 60))),
        ]

    def _months(self, now: dt.datetime) -> list[dt.date]:
        """Return the first days of the months that are drawn, the newest last."""
        month = timezone.localdate(now).replace(day=1)
        months = [month]
        while len(months) < MONTHS:
            months.insert(0, (months[0] - dt.timedelta(days=1)).replace(day=1))
        limit = CHART_ROWS[self.kind]
        for condition in self.conditions:
            rows = CallDetailRecord.objects.filter(condition, started_at__gte=_begin(months[0])).order_by("-started_at")
            if beyond := rows.values_list("started_at", flat=True)[limit : limit + 1].first():
                months = [each for each in months if _begin(each) > beyond]
        return months


def _begin(month: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(month, dt.time()))


def duration(seconds: Any) -> str:
    """Return seconds as minutes and seconds."""
    if seconds is None:
        return "–"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
