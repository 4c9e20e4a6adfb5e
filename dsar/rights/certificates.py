"""The certificates of the deletions that carried out a decision: kept with it, and named in its letter."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from dsar.models import Decision
from retention.models import DeletionJob


def attached(jobs: Iterable[DeletionJob], now: dt.datetime) -> dict[str, Any]:
    """Return what to keep of deletions in ``Decision.result``: those that are done, how much went, and when the last was."""
    done = [job for job in jobs if job.state == DeletionJob.State.DONE]
    return {
        "jobs": [str(job.pk) for job in done],
        "rows": sum(job.rows_destroyed for job in done),
        "done_at": max((job.done_at for job in done if job.done_at), default=now).isoformat(),
    }


def told(decision: Decision, language: str) -> list[str]:
    """Say how much was deleted when, and the numbers of the certificates; nothing where nothing was."""
    result = decision.result
    if not result.get("jobs"):
        return []
    on = timezone.localtime(dt.datetime.fromisoformat(result["done_at"]))
    numbers = ", ".join(job[:8].upper() for job in result["jobs"])
    return {
        "en": [
            f"{result['rows']:,} records and files were deleted, the last on {on:%-d %B %Y}. Certificates of deletion: {numbers}."
        ],
        "zh-hant": [
            f"共刪除 {result['rows']:,} 項紀錄及檔案，最後一項於 {on.year} 年 {on.month} 月 {on.day} 日刪除。刪除證明書編號：{numbers}。"
        ],
    }[language]
