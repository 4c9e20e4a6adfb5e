"""Long lists, number search and customers' pages among many calls, as the portal answers an officer: the server's time."""

import datetime as dt
import random

from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.keyset import Place
from accounts.models import User
from accounts.roles import PRIVACY_OFFICER
from bench import invented
from bench.databases import EMPTY, copy_database, without_indexes
from bench.telling import figure, median, p95, seconds
from callmama_privacy.static_files import collect_if_changed

CUSTOMERS = 2_000  # with as many calls each; one more has a twentieth of all, and one has none
ROUNDS = 300
WARM = 40
CALLS = "/admin/telecom_records/calldetailrecord/"
KINDS = {"lists": "cdr_list", "numbers": "number_search", "customers": "customer_page"}


def measure(rows: int) -> list[dict]:
    """Measure the same pages among a twentieth of ``rows`` calls, and among all."""
    collect_if_changed()
    few, many = _pages(rows // 20), _pages(rows)
    told = []
    for kind, name in KINDS.items():
        told += [
            figure(
                f"{name}_20m_p95_ms", p95(many[kind]), "ms", against="under 150 ms", rows=rows, pages=ROUNDS,
                median=round(median(many[kind]), 1), slowest=round(max(many[kind]), 1),
            ),
            figure(
                f"{name}_growth_1m_20m", p95(many[kind]) / p95(few[kind]), "×",
                against=f"at most 1.3: p95 {p95(few[kind]):.1f} ms among {rows // 20:,} calls", rows=rows,
            ),
        ]  # fmt: skip
    return told


def fill(rows: int) -> dt.datetime:
    """Make the portal's database one with ``rows`` calls, vacuumed; return the instant of the last."""
    copy_database(EMPTY)
    now = timezone.now()
    invented.make_months(now)
    for name, count in (("some", CUSTOMERS), ("big", 1), ("none", 1)):
        invented.make_workspaces(count, name=name, ends="now() + interval '90 days'")
        invented.make_people(name=name, count=count)
    with without_indexes(invented.CALLS):
        invented.make_calls(rows - rows // 20, name="some", of=CUSTOMERS, until=now, look=invented.MIXED)
        invented.make_calls(rows // 20, name="big", until=now, look=invented.MIXED)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return now


def officer() -> Client:
    """Return a browser of a privacy officer, but for the network."""
    user = User.objects.create_user("officer@example.test", name="Officer")
    user.groups.add(Group.objects.get(name=PRIVACY_OFFICER))
    client = Client()
    client.force_login(user)
    return client


def _pages(rows: int) -> dict[str, list[float]]:
    """Return how many ms each page took, by kind."""
    now, client, times = fill(rows), officer(), {}
    for kind, addresses in _addresses(now, random.Random(1)).items():
        for address in addresses[:WARM]:
            _open(client, address)
        times[kind] = [seconds(lambda address=address: _open(client, address)) * 1000 for address in addresses]
    connection.close()
    return times


def _open(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address} answers {answer.status_code}"


def _addresses(now: dt.datetime, dice: random.Random) -> dict[str, list[str]]:
    """Return the pages of each kind, all different."""
    days = invented.MONTHS * 30

    def place() -> str:
        return Place(now - dice.random() * dt.timedelta(days=days)).code()

    def range_of_days() -> str:
        since = now.date() - dt.timedelta(days=dice.randrange(10, days))
        until = since + dt.timedelta(days=dice.randrange(1, 9))
        return f"started_at_from_0={since}&started_at_to_0={until}"

    filters = [
        lambda: f"after={place()}", lambda: f"before={place()}", range_of_days,
        lambda: f"status__exact=failed&after={place()}", lambda: f"direction__exact=inbound&{range_of_days()}",
        lambda: f"status__exact=unknown&after={place()}", lambda: f"account=big-1&after={place()}",
        lambda: f"account=some-{dice.randrange(CUSTOMERS) + 1}&status__exact=busy", lambda: "account=none-1",
        lambda: f"account=big-1&status__exact=unknown&after={place()}",
    ]  # fmt: skip
    numbers = _numbers(dice)
    accounts = [f"some-{dice.randrange(CUSTOMERS) + 1}" for _ in range(ROUNDS)]
    for n in range(ROUNDS // 20):  # one in ten looks at the customer with most calls, or at the one with none
        accounts[n * 10], accounts[n * 10 + 5] = "big-1", "none-1"
    ids = dict(_query("SELECT outside_id, id FROM accounts_workspace"))
    pages = [
        "/admin/accounts/workspace/{}/change/", "/admin/workspaces/{}/held/", "/admin/calls/of-workspace/{}/",
        f"/admin/calls/of-workspace/{{}}/?after={place()}",
    ]  # fmt: skip
    return {
        "lists": [f"{CALLS}?{filters[n % len(filters)]()}" for n in range(ROUNDS)],
        "numbers": [f"{CALLS}?q={numbers[n % len(numbers)]}" for n in range(ROUNDS)],
        "customers": [pages[n % len(pages)].format(ids[accounts[n]]) for n in range(ROUNDS)],
    }


def _numbers(dice: random.Random) -> list[str]:
    """Return numbers of customers and of who they spoke to, of nobody, and of whom all call; in several notations."""
    own = [f"%2B1{200 + x // 100}55501{x % 100:02}" for x in dice.sample(range(CUSTOMERS * 3), ROUNDS)]
    others = [f"%2B4470090{dice.randrange(100_000):05}" for _ in range(ROUNDS)]
    nobody = [f"00441632960{dice.randrange(1000):03}" for _ in range(ROUNDS)]
    busiest = ["%2B1 200 555 0100", "%2B12005550101", "tel:%2B1-200-555-0102"] * (ROUNDS // 3)
    return [number for four in zip(own, others, nobody, busiest, strict=True) for number in four]


def _query(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
