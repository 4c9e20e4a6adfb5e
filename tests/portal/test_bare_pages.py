"""Pages for people who are not signed in, and for the moments when something failed."""

import datetime

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.views import defaults


@pytest.fixture(autouse=True)
def plain_static_files(plain_static):
    pass


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, lambda request: defaults.bad_request(request, ValueError())),
        (403, lambda request: defaults.permission_denied(request, PermissionError())),
        (404, lambda request: defaults.page_not_found(request, ValueError())),
        (500, lambda request: defaults.server_error(request)),
    ],
)
def test_an_error_page_needs_neither_a_user_nor_the_database(status, answer):
    """Without the django_db mark any query here raises."""
    response = answer(RequestFactory().get("/admin/nowhere/"))
    text = response.content.decode()
    assert response.status_code == status
    assert f"Error {status}" in text
    assert "Callmama privacy portal" in text
    assert "<style" not in text
    assert "<script>" not in text


def test_a_lock_out_says_when_to_try_again():
    context = {
        "failure_limit": 5,
        "username": "someone@example.test",
        "cooloff_timedelta": datetime.timedelta(minutes=15),
    }
    text = render_to_string("admin/locked_out.html", context)
    assert "Try again in 15 minutes" in text
    assert "someone@example.test" not in text


def test_a_lock_without_an_end_names_who_can_open_it():
    text = render_to_string("admin/locked_out.html", {"failure_limit": 5, "username": ""})
    assert "A security administrator can open it" in text


@pytest.mark.django_db
def test_a_wrong_password_is_said_without_saying_which_part_was_wrong(client):
    response = client.post("/admin/login/", {"username": "nobody@example.test", "password": "wrong wrong wrong"})
    text = response.content.decode()
    assert response.status_code == 200
    assert 'role="alert"' in text
    assert "After several wrong tries the sign-in is closed for a while." in text


@pytest.mark.django_db
def test_an_empty_sign_in_asks_for_both_parts(client):
    text = client.post("/admin/login/", {"username": "", "password": ""}).content.decode()
    assert "Both the e-mail address and the password are needed." in text
