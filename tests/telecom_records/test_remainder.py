"""Monthly figures survive the customers, and nobody can be singled out of them (mission P7)."""

import csv
import datetime as dt
import io
from collections import defaultdict

import phonenumbers
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import EvidenceEntry, Membership
from retention.models import DeletionJob
from retention.purge import carry_out
from telecom_records import remainder
from telecom_records.countries import country_by_prefix, prefix_sql
from telecom_records.models import ImportRun, TrafficFigure, TrafficMonth
from telecom_records.remainder import close_month
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
MONTH = dt.date(2026, 10, 1)
IN_MONTH = dt.datetime(2026, 10, 14, 9, tzinfo=dt.UTC)
GREAT_BRITAIN, TONGA, FIJI = "+442079460199", "+6765550199", "+6795550199"


def figures() -> dict[tuple, tuple[int, int]]:
    """Return every stored figure: records and minutes by kind, country, direction and status."""
    rows = TrafficFigure.objects.values_list("kind", "country", "direction", "status", "count", "minutes")
    return {row[:4]: row[4:] for row in rows}


def customers_call(count: int, other_party: str, *, calls: int = 1, **fields) -> list:
    """Return ``count`` customers of one workspace each, with ``calls`` calls of 55 seconds in the month."""
    made = [factories.make_workspace() for _ in range(count)]
    for workspace in made:
        factories.make_calls(workspace, calls, at=IN_MONTH, other_party=other_party, **fields)
    return made


# --- Counting -------------------------------------------------------------------------------------------------------


def test_a_month_is_counted_by_country_direction_and_status():
    customers_call(10, GREAT_BRITAIN, calls=3)
    customers_call(12, TONGA, direction="inbound", status="no_answer", talk_s=None)
    for workspace in [factories.make_workspace() for _ in range(10)]:
        factories.make_message(workspace, at=IN_MONTH)
    assert close_month(MONTH, now=NOW)
    assert figures() == {
        ("call", "GB", "outbound", "answered"): (30, 28),  # 1,650 seconds
        ("call", "TO", "inbound", "no_answer"): (12, 0),
        ("message", "GB", "inbound", "sent"): (10, 0),
    }
    body = EvidenceEntry.objects.get(type="TRAFFIC_CLOSED").body
    assert body == {"figures": 3, "floor": 10}


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        (dt.datetime(2026, 9, 30, 23, 59, 59, tzinfo=dt.UTC), False),
        (dt.datetime(2026, 10, 1, tzinfo=dt.UTC), True),
        (dt.datetime(2026, 10, 31, 23, 59, 59, tzinfo=dt.UTC), True),
        (dt.datetime(2026, 11, 1, tzinfo=dt.UTC), False),
    ],
)
def test_a_month_is_one_of_utc(at, counted):
    for workspace in [factories.make_workspace() for _ in range(10)]:
        factories.make_calls(workspace, 1, at=at)
    close_month(MONTH, now=NOW)
    assert bool(figures()) is counted


def test_who_is_being_deleted_is_not_in_it():
    made = customers_call(11, GREAT_BRITAIN)
    type(made[0]).objects.filter(pk=made[0].pk).update(state="emptying")
    close_month(MONTH, now=NOW)
    assert figures() == {("call", "GB", "outbound", "answered"): (10, 9)}


# --- Nobody can be singled out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("customers", "shown"), [(9, {}), (10, {("call", "GB", "outbound", "answered"): (10, 9)})])
def test_the_floor(customers, shown):
    customers_call(customers, GREAT_BRITAIN)
    close_month(MONTH, now=NOW)
    assert figures() == shown


def test_a_setting_may_raise_the_floor_and_never_lower_it(settings):
    settings.TRAFFIC_FLOOR = 1
    assert remainder.floor() == 10
    settings.TRAFFIC_FLOOR = 12
    customers_call(11, GREAT_BRITAIN)
    close_month(MONTH, now=NOW)
    assert figures() == {} and TrafficMonth.objects.get().floor == 12


def test_small_countries_go_together_and_what_is_still_too_small_is_stored_nowhere():
    customers_call(6, TONGA)
    customers_call(5, FIJI)
    customers_call(9, FIJI, direction="inbound")
    close_month(MONTH, now=NOW)
    assert figures() == {("call", "other", "outbound", "answered"): (11, 10)}


def test_a_customer_in_two_small_countries_counts_once_in_the_others():
    both = customers_call(5, TONGA)
    for workspace in both:
        factories.make_calls(workspace, 1, at=IN_MONTH, other_party=FIJI)
    customers_call(4, FIJI)
    close_month(MONTH, now=NOW)
    assert figures() == {}


@pytest.mark.parametrize(
    ("usual", "big", "shown"),
    [
        ({"calls": 1, "talk_s": None}, {"calls": 11, "talk_s": None}, False),  # 11 of 21 records, no minutes at all
        ({"calls": 1, "talk_s": None}, {"calls": 10, "talk_s": None}, True),
        ({"calls": 1, "talk_s": 60}, {"calls": 1, "talk_s": 601}, False),  # one of 11 records, over half of the minutes
        ({"calls": 1, "talk_s": 60}, {"calls": 1, "talk_s": 600}, True),
    ],
)
def test_a_customer_with_over_half_of_the_records_or_the_minutes_keeps_a_figure_from_being_shown(usual, big, shown):
    customers_call(10, GREAT_BRITAIN, **usual)
    customers_call(1, GREAT_BRITAIN, **big)
    close_month(MONTH, now=NOW)
    assert bool(figures()) is shown


def test_ten_workspaces_of_one_person_are_one_customer():
    made = customers_call(10, GREAT_BRITAIN)
    person = factories.make_person(made[0])
    for workspace in made[1:5]:
        Membership.objects.create(workspace=workspace, person=person)
    other = factories.make_person(made[4])
    for workspace in made[5:]:
        Membership.objects.create(workspace=workspace, person=other)
    assert len(set(remainder.customers_of_workspaces().values())) == 1
    close_month(MONTH, now=NOW)
    assert figures() == {}


def test_a_deletion_changes_no_figure_and_a_month_is_never_counted_again():
    factories.arm()
    made = customers_call(14, GREAT_BRITAIN, calls=2)
    factories.make_subscription(made[0])
    close_month(MONTH, now=NOW)
    before = figures()
    assert before == {("call", "GB", "outbound", "answered"): (28, 26)}
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE and job.destroyed["telecom_records.CallDetailRecord"] == 2
    assert figures() == before
    assert not close_month(MONTH, now=NOW + DAY)
    assert figures() == before


def test_nothing_of_a_single_customer_is_left_in_the_database():
    customers_call(10, GREAT_BRITAIN)
    close_month(MONTH, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'traffic_leg%'")
        assert cursor.fetchall() == []
    stored = str(list(TrafficFigure.objects.values_list())) + str(list(TrafficMonth.objects.values_list()))
    assert "+44" not in stored


PARTIES = [GREAT_BRITAIN, GREAT_BRITAIN, GREAT_BRITAIN, TONGA, FIJI, "7002"]
TRAFFIC = st.lists(
    st.tuples(
        st.integers(0, 24),  # whose
        st.sampled_from(PARTIES),
        st.sampled_from(["outbound", "inbound"]),
        st.just("answered"),
        st.sampled_from([1, 1, 2, 3, 40]),  # how many
        st.integers(0, 300),  # seconds each
    ),
    min_size=40,
    max_size=160,
)
SHARED = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=6)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(traffic=TRAFFIC, shared=SHARED, leaver=st.integers(0, 24))
def test_every_figure_stands_on_enough_customers_and_tells_nothing_of_who_left(traffic, shared, leaver):
    """Checked by another way of counting: in Python, from what was made, over every union of stored cells."""
    with transaction.atomic():
        owner = list(range(25))
        workspaces = [factories.make_workspace() for _ in owner]
        for one, two in shared:
            person = factories.make_person(workspaces[one])
            Membership.objects.get_or_create(workspace=workspaces[two], person=person)
            old, new = owner[one], owner[two]
            owner = [new if root == old else root for root in owner]
        cells: dict[tuple, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for whose, party, direction, status, count, seconds in traffic:
            factories.make_calls(workspaces[whose], count, at=IN_MONTH, other_party=party, direction=direction,
                                 status=status, talk_s=seconds)  # fmt: skip
            country = {GREAT_BRITAIN: "GB", TONGA: "TO", FIJI: "FJ"}.get(party, "")
            sums = cells[("call", country, direction, status)][owner[whose]]
            sums[0] += count
            sums[1] += count * seconds
        assert close_month(MONTH, now=NOW)
        shown = figures()
        folded: dict[tuple, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for key, customers in cells.items():
            if is_safe(customers):
                assert shown.pop(key) == totals(customers)
            else:
                for customer, sums in customers.items():
                    for place in (0, 1):
                        folded[("call", "other", *key[2:])][customer][place] += sums[place]
        assert shown == {key: totals(customers) for key, customers in folded.items() if is_safe(customers)}
        before = figures()
        with transaction.atomic(), connection.cursor() as cursor:  # somebody leaves, whoever it is
            cursor.execute("SELECT set_config('callmama.door', 'open', true)")
            cursor.execute(
                "DELETE FROM telecom_records_calldetailrecord WHERE workspace_id = %s", [workspaces[leaver].pk]
            )
            cursor.execute("SELECT set_config('callmama.door', '', true)")
        assert not close_month(MONTH, now=NOW + DAY)
        assert figures() == before
        transaction.set_rollback(True)


def is_safe(customers: dict[int, list[int]]) -> bool:
    enough = len(customers) >= 10
    return enough and all(
        max(one[i] for one in customers.values()) * 2 <= sum(one[i] for one in customers.values()) for i in (0, 1)
    )


def totals(customers: dict[int, list[int]]) -> tuple[int, int]:
    return sum(one[0] for one in customers.values()), round(sum(one[1] for one in customers.values()) / 60)


# --- Once, and whole ------------------------------------------------------------------------------------------------


def test_a_month_that_is_not_over_for_two_days_waits():
    assert not close_month(MONTH, now=dt.datetime(2026, 11, 2, 23, 59, tzinfo=dt.UTC))
    assert close_month(MONTH, now=dt.datetime(2026, 11, 3, tzinfo=dt.UTC))


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_counts_all(monkeypatch):
    customers_call(10, GREAT_BRITAIN)
    with monkeypatch.context() as patch:
        patch.setattr(remainder.evidence, "append_entry", lambda *_, **__: (_ for _ in ()).throw(SystemExit("killed")))
        with pytest.raises(SystemExit):
            close_month(MONTH, now=NOW)
    assert not TrafficMonth.objects.exists() and figures() == {}
    assert close_month(MONTH, now=NOW)
    assert figures() == {("call", "GB", "outbound", "answered"): (10, 9)}


def test_the_last_months_are_counted_by_themselves_and_history_is_not():
    assert remainder.months_to_close(NOW) == [dt.date(2026, 9, 1), MONTH]
    close_month(dt.date(2026, 9, 1), now=NOW)
    assert remainder.months_to_close(NOW) == [MONTH]
    assert remainder.months_to_close(dt.datetime(2026, 11, 2, tzinfo=dt.UTC)) == []
    assert close_month(dt.date(2025, 3, 1), now=NOW), "an officer may name an older one"


def test_nothing_is_counted_while_an_import_is_under_way():
    ImportRun.objects.create(
        source=factories.make_source(), file_name="x.csv", file_bytes=1, file_sha256="0" * 64, created_at=NOW
    )
    assert remainder.months_to_close(NOW) == []


# --- Countries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+442079460199", "GB"), ("+13125550117", "US"), ("+14165550123", "CA"), ("+12425550123", "BS"),
        ("+61491570157", "AU"), ("+6765550199", "TO"), ("+74955550123", "RU"), ("+77015550123", "KZ"),
        ("+85255550123", "HK"), ("+3361234567", "FR"), ("+351210000000", "PT"), ("+870123456789", ""),
        ("7002", ""), ("", ""), ("sip:anna@example.test", ""), ("+", ""), ("+1", ""),
    ],
)  # fmt: skip
def test_the_country_of_a_number(number, country):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {prefix_sql('n')} FROM (SELECT %s::text AS n) AS one", [number])
        assert country_by_prefix().get(cursor.fetchone()[0], "") == country


def test_every_country_with_a_code_of_its_own_is_told_by_its_example_number():
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        number = phonenumbers.example_number(regions[0])
        if number is None or code == 1:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {prefix_sql('n')} FROM (SELECT %s::text AS n) AS one", [e164])
            assert country_by_prefix()[cursor.fetchone()[0]] == regions[0]


# --- The page -------------------------------------------------------------------------------------------------------


def test_the_page_and_the_file_show_what_is_stored_and_no_more(client):
    client.force_login(factories.make_user())
    assert "No month has been counted yet" in client.get("/admin/calls/figures/").content.decode()
    customers_call(10, GREAT_BRITAIN, calls=3)
    customers_call(3, TONGA)
    close_month(MONTH, now=NOW)
    page = client.get("/admin/calls/figures/?month=2026-10").content.decode()
    assert "October 2026" in page and ">GB<" in page and "TO" not in page.split("<tbody>")[1].split("</tbody>")[0]
    assert client.get("/admin/calls/figures/?month=%00nonsense").status_code in (200, 400)
    rows = list(csv.reader(io.StringIO(client.get("/admin/calls/figures.csv").content.decode())))
    assert rows[0] == ["month", "kind", "country", "direction", "status", "count", "minutes"]
    assert rows[1:] == [["2026-10", "call", "GB", "outbound", "answered", "30", "28"]]


def test_the_command_counts_what_is_due_or_named(capsys):
    from django.core.management import CommandError, call_command

    call_command("close_traffic_months", "2020-03")
    assert "2020-03: counted." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("close_traffic_months", "2020-03")
