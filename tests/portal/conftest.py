"""A real browser for the portal's pages."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model

from tests.portal import pages

# Nothing moves slowly, so that a page is as it will be once its scripts have run, and no test waits for it.
STILL = """() => {
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}"""


@pytest.fixture
def plain_static(settings):
    """Static files under their own names, so that the pages need no collectstatic."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def officer(transactional_db):
    """Someone who may open everything."""
    model = get_user_model()
    return model.objects.create_superuser(
        **{model.USERNAME_FIELD: "officer@example.test"}, password="correct horse battery"
    )


@pytest.fixture
def page(chromium, live_server, plain_static, officer, client):
    """A page of a signed-in officer, on a portal with a row of each kind."""
    pages.make_rows(officer)
    client.force_login(officer)
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    context.set_default_timeout(10_000)
    context.add_init_script(f"({STILL})()")
    yield context.new_page()
    context.close()
