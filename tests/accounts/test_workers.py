"""When the broker is down, a page says so, and does all that needs no worker."""

import datetime as dt
import io

import pytest
from celery import current_app
from kombu import pools

from accounts.models import KeyEpoch
from accounts.roles import PRIVACY_OFFICER
from accounts.workers import NOBODY_THERE
from retention.models import Seal
from telecom_records.models import ImportRun
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
POST = {"_form_submitted": "True"}


def point_at(url: str) -> None:
    current_app.conf.broker_url = current_app.conf.broker_write_url = url
    current_app.set_current()
    current_app.amqp._producer_pool = current_app._pool = None
    pools.reset()  # a pool that is only closed is found again under the same address


@pytest.fixture
def broker_is_down(tmp_path):
    url = current_app.conf.broker_url
    point_at(f"redis+socket://{tmp_path}/nobody.sock")
    yield
    point_at(url)


@pytest.fixture
def officer(client):
    user = factories.make_user(PRIVACY_OFFICER)
    client.force_login(user)
    return user


def said(client, page: str) -> str:
    return client.get(page).content.decode()


def test_an_epoch_begins_and_its_keys_are_wrapped_later(client, officer, broker_is_down):
    before = KeyEpoch.objects.count()
    response = client.post("/admin/accounts/keyepoch/rotate/", POST)
    assert KeyEpoch.objects.count() == before + 1
    html = said(client, response["HX-Redirect"])
    assert NOBODY_THERE in html and "wrapped anew when they can be" in html


def test_a_comparison_of_files_is_not_promised(client, officer, broker_is_down):
    response = client.post("/admin/retention/filefinding/look_now/", POST)
    html = said(client, response["HX-Redirect"])
    assert NOBODY_THERE in html and "Nothing was compared" in html
    assert "A worker compares" not in html


def test_a_replay_after_a_restore_is_not_promised(client, officer, broker_is_down):
    Seal.objects.create(found_at=dt.datetime(2026, 11, 24, tzinfo=dt.UTC), log_size=0, outside_size=1)
    response = client.post("/admin/retention/restore/replay/", follow=True)
    html = response.content.decode()
    assert NOBODY_THERE in html and "Nothing was begun" in html


def test_an_uploaded_file_waits_for_a_worker(client, officer, broker_is_down, django_capture_on_commit_callbacks):
    upload = io.BytesIO(b"call_id,started_at,from,to\n")
    upload.name = "calls.csv"
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/admin/calls/import/", {"file": upload, "source": "switch"})
    run = ImportRun.objects.get()
    assert (response.status_code, run.state) == (302, "waiting")


def test_with_a_broker_the_same_pages_promise_it(client, officer):
    response = client.post("/admin/retention/filefinding/look_now/", POST)
    assert "A worker compares" in said(client, response["HX-Redirect"])
    response = client.post("/admin/accounts/keyepoch/rotate/", POST)
    assert "Keys are being wrapped anew" in said(client, response["HX-Redirect"])
