"""What production refuses, what every answer carries, and what a guesser meets."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.urls import reverse

from accounts.sign_in import client_address
from callmama_privacy import demo, safety
from tests import factories

GOOD = {
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": "b7Xv2k9QmT4zR8wLc5NhJ3pDf6GyAs1Ue0Vi-OqKtY",
    "MASTER_KEY": "Zp4Wn8Rt2Xc6Vb0Lm5Kj9Hg3Fd7Sa1Qe-YuIoPiTrE",
    "SIGNING_KEY": "Hc5Tf1Yq9Bn3Mk7Ws2Ge6Rd0Jv4Lx8Pz-QaOuIyEtWr",
    "EVIDENCE_ORIGIN": "privacy.example.com/evidence",
    "DATABASE_URL": "postgres://db.example/x",
    "BROKER_URL": "redis://broker.example/0",
    "ALLOWED_HOSTS": ["privacy.example.com"],
}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("SECRET_KEY", "too-short", "SECRET_KEY is missing, short or a default"),
        (
            "SECRET_KEY",
            "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2,
            "SECRET_KEY is missing, short or a default",
        ),
        ("MASTER_KEY", "a" * 60, "MASTER_KEY is missing, short or a default"),
        ("MASTER_KEY", GOOD["SECRET_KEY"], "SECRET_KEY and MASTER_KEY are the same"),
        ("SIGNING_KEY", "", "SIGNING_KEY is missing, short or a default"),
        ("SIGNING_KEY", "short", "SIGNING_KEY is missing, short or a default"),
        ("SIGNING_KEY", GOOD["MASTER_KEY"], "MASTER_KEY and SIGNING_KEY are the same"),
        ("EVIDENCE_ORIGIN", "callmama-privacy/production", "must name this portal's log"),
        ("EVIDENCE_ORIGIN", "two words", "must name this portal's log"),
        ("DATABASE_URL", "", "must both be set"),
        ("BROKER_URL", "", "must both be set"),
        ("ALLOWED_HOSTS", [], "ALLOWED_HOSTS must name"),
        ("ALLOWED_HOSTS", ["*"], "ALLOWED_HOSTS must name"),
    ],
)
def test_an_unsafe_production_setting_is_named(settings, name, value, says):
    for key, good in {**GOOD, name: value}.items():
        setattr(settings, key, good)
    (fault,) = safety.production_faults()
    assert says in fault
    with pytest.raises(ImproperlyConfigured, match="does not start in production"):
        safety.refuse_unsafe_production()


@pytest.mark.django_db
def test_production_starts_with_its_own_staff_and_refuses_those_of_the_demo(settings):
    for key, good in GOOD.items():
        setattr(settings, key, good)
    factories.make_user()
    safety.refuse_unsafe_production()
    demo.make_staff()
    with pytest.raises(ImproperlyConfigured, match="demo sign-ins exist"):
        safety.refuse_unsafe_production()


@pytest.mark.django_db
def test_health_answers_when_the_database_does(client):
    assert client.get("/healthz").json() == {"status": "ok", "schedule": {"status": "new", "seconds_ago": None}}


@pytest.mark.django_db
def test_pages_are_kept_by_no_cache_and_framed_by_nobody(client):
    client.force_login(factories.make_user())
    headers = client.get("/admin/").headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe-eval" not in policy and "http" not in policy


@pytest.mark.django_db
def test_five_wrong_passwords_close_the_sign_in_even_for_the_right_one(client):
    user = factories.make_user()
    login = reverse("admin:login")
    for written in (user.email, user.email.upper(), f" {user.email} ", user.email.title(), user.email):
        client.post(login, {"username": written, "password": "a wrong long password"})
    answer = client.post(login, {"username": user.email, "password": factories.PASSWORD})
    assert answer.status_code == 429
    assert "Try again in" in answer.content.decode()
    other = factories.make_user()
    assert client.post(login, {"username": other.email, "password": factories.PASSWORD}).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
    ],
)
def test_an_address_that_the_client_wrote_itself_is_not_believed(settings, proxies, forwarded, address):
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert client_address(request) == address


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["/admin/accounts/person/?q=%00", "/admin/dsar/ticket/?state__exact=a%00b", "/admin/%00/"]
)
def test_a_nul_byte_in_an_address_is_refused(client, url):
    client.force_login(factories.make_user())
    assert client.get(url).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("year", ["9999", "0001", "2200", "1899"])
def test_a_year_that_is_a_slip_of_the_hand_is_refused_at_its_field(client, year):
    client.force_login(factories.make_user())
    workspace = factories.make_workspace()
    data = {
        "outside_id": "S-1", "plan": "Basic", "workspace": workspace.pk, "starts_at_0": "01/01/2026", "starts_at_1": "10:00:00",
        "expires_at_0": f"31/12/{year}", "expires_at_1": "23:59:59",
    }  # fmt: skip
    form = client.post("/admin/accounts/subscription/add/", data).context["adminform"].form
    assert "between 1900 and 2199" in " ".join(form.errors["expires_at"])
