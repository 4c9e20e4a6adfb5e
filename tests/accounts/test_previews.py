"""A customer file between preview and confirmation is sealed, goes in once, and does not lie about afterwards."""

import os
import re
import time

import pytest

from accounts import previews
from accounts.models import Workspace
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/admin/accounts/workspace/import/"
TEXT = "outside_id,name\r\nW-7,Harbour “Lights”\r\n"


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def upload(client, tmp_path):
    path = tmp_path / "workspaces.csv"
    path.write_text(TEXT)
    with path.open("rb") as file:
        response = client.post(URL, {"format": "0", "import_file": file})
    html = response.content.decode()
    assert "Harbour" in html
    return dict(re.findall(r'name="(import_file_name|original_file_name|format|resource)"[^>]*value="([^"]*)"', html))


def test_the_file_of_a_preview_is_sealed_and_gone_once_it_is_confirmed(client, tmp_path):
    client.force_login(factories.make_user())
    confirm = upload(client, tmp_path)
    (kept,) = (tmp_path / "previews").iterdir()
    assert b"Harbour" not in kept.read_bytes() and b"W-7" not in kept.read_bytes()
    assert client.post("/admin/accounts/workspace/process_import/", confirm).status_code == 302
    assert Workspace.objects.get(outside_id="W-7").name == "Harbour “Lights”"
    assert list((tmp_path / "previews").iterdir()) == []
    response = client.post("/admin/accounts/workspace/process_import/", confirm, follow=True)
    assert "Upload the file again" in response.content.decode()


def test_a_preview_that_nobody_confirms_is_swept_by_the_next(client, tmp_path):
    client.force_login(factories.make_user())
    upload(client, tmp_path)
    (left,) = (tmp_path / "previews").iterdir()
    old = time.time() - previews.LIFE_SECONDS - 1
    os.utime(left, (old, old))
    upload(client, tmp_path)
    assert not left.exists()


def test_a_posted_name_does_not_leave_the_folder(client, tmp_path):
    client.force_login(factories.make_user())
    data = {"import_file_name": "../../etc/passwd", "original_file_name": "x", "format": "0", "resource": ""}
    response = client.post("/admin/accounts/workspace/process_import/", data, follow=True)
    assert "Upload the file again" in response.content.decode()
