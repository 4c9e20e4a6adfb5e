"""A browser that adds recordings, says which call one is of, says why it listens, and hears them."""

import re

import pytest
from django.utils import timezone

from accounts.models import AccessLogEntry
from telecom_records.models import Recording, WaitingRecording
from tests import factories
from tests.dsar.test_letter_journey import PHONE, sign_in  # noqa: F401
from tests.factories import DAY
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, axe_faults, page_faults
from tests.telecom_records import sounds
from tests.telecom_records.recordings import SECOND, call

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HEARD = "() => { const sound = document.querySelector('audio'); return sound.currentTime > 0.3 && !sound.error; }"


def test_recordings_are_added_placed_and_heard_and_it_is_written_down(sign_in, live_server, alice, source, tmp_path):  # noqa: F811
    now = timezone.now().replace(microsecond=0)
    alice.subscriptions.update(expires_at=None)
    made = call(alice, source, group=f"{int((now - DAY).timestamp())}.1", at=now - DAY)
    lone = call(alice, source, group="x", at=now - 2 * DAY)
    near = call(alice, source, group="y", at=now - 2 * DAY + 20 * SECOND)
    local = (now - 2 * DAY + 30 * SECOND).astimezone(timezone.get_fixed_timezone(0))
    names = {f"{made.call_group}.wav": sounds.wav(60), f"{local:%Y%m%d%H%M%S}_02079460101-1001.wav": sounds.wav(2)}
    for name, data in {**names, "notes.txt": b"words"}.items():
        (tmp_path / name).write_bytes(data)
    source.time_zone = "Etc/UTC"
    source.save()
    officer = factories.make_user()
    page = sign_in(officer)
    watch = Watch(page, live_server.url)

    page.goto("/admin/telecom_records/recording/")
    page.click("text=Add recordings >> nth=0")
    page.set_input_files("input[type=file]", [tmp_path / name for name in [*names, "notes.txt"]])
    page.fill("input[name=source]", "pbx")
    page.click("button:has-text('Add recordings')")
    page.wait_for_selector("text=3 recordings read")
    assert watch.take() + page_faults(page) + axe_faults(page) == []

    page.click("text=Say which calls the waiting ones are of")
    waiting = WaitingRecording.objects.get()
    page.goto(f"/admin/telecom_records/waitingrecording/{waiting.pk}/change/")
    assert page.locator("input[type=radio]").count() == 2 and str(lone.pk) in page.content()
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.check(f"input[value='{near.pk}']")
    page.click("button:has-text('It is of this call')")
    page.wait_for_url(f"**/calldetailrecord/{near.pk}/change/")
    assert page.locator("audio").count() == 0 and Recording.objects.filter(call=near).exists()

    ranges = []
    page.on(
        "request", lambda request: ranges.append(request.headers.get("range")) if "/sound/" in request.url else None
    )
    statuses = []
    page.on("response", lambda response: statuses.append(response.status) if "/sound/" in response.url else None)
    page.goto(f"/admin/telecom_records/calldetailrecord/{made.pk}/change/")
    page.fill("input[name=reason]", "The customer disputes the call")
    page.fill("input[name=ticket]", "TCK-1")
    page.click("button:has-text('Listen')")
    page.wait_for_selector("audio")
    assert not ranges, "nothing is fetched before somebody presses play"
    page.evaluate("document.querySelector('audio').muted = true; document.querySelector('audio').play()")
    page.wait_for_function(HEARD)
    assert page.evaluate("Math.round(document.querySelector('audio').duration)") == 60
    page.evaluate("document.querySelector('audio').currentTime = 55")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 55.2")
    assert set(statuses) == {206} and all(re.fullmatch(r"bytes=\d+-\d*", each or "") for each in ranges)
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    heard = Recording.objects.get(call=made)
    look = AccessLogEntry.objects.get(ticket="TCK-1")
    assert (look.subject, look.user, look.reason) == (str(heard.pk), officer, "The customer disputes the call")

    phone = sign_in(factories.make_user(), PHONE)
    phone_watch = Watch(phone, live_server.url)
    phone.goto(f"/admin/telecom_records/recording/{heard.pk}/change/")
    assert phone.locator("audio").count() == 0, "another officer says why for themselves"
    phone.fill("input[name=reason]", "Request of the customer")
    phone.fill("input[name=ticket]", "DSR-2026-0001")
    phone.click("button:has-text('Listen')")
    phone.wait_for_selector("audio")
    assert phone_watch.take() + page_faults(phone) + axe_faults(phone) == []
    alice.state = "hidden"
    alice.save(update_fields=["state"])
    phone.evaluate("document.querySelector('audio').play().catch(() => null)")
    phone.wait_for_function("() => document.querySelector('audio').error !== null")
