"""A customer file between preview and confirmation is sealed, goes in once, and does not lie about afterwards."""

import os
import re

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils import timezone

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


@pytest.mark.parametrize(("age", "goes"), [(previews.LIFE_SECONDS - 1, False), (previews.LIFE_SECONDS, True)])
def test_what_nobody_confirmed_or_finished_is_swept_within_the_hour(client, tmp_path, settings, age, goes):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    client.force_login(factories.make_user())
    upload(client, tmp_path)
    (preview,) = (tmp_path / "previews").iterdir()
    half_an_upload = settings.FILE_UPLOAD_TEMP_DIR / "tmpabc.upload"
    half_an_upload.write_bytes(b"half")
    now = timezone.now().replace(microsecond=0)
    for left in (preview, half_an_upload):
        os.utime(left, (now.timestamp() - age,) * 2)
    (tmp_path / "elsewhere").write_bytes(b"stays")
    os.utime(tmp_path / "elsewhere", (0, 0))
    assert previews.sweep(now) == (2 if goes else 0)
    assert preview.exists() is half_an_upload.exists() is not goes
    assert (tmp_path / "elsewhere").exists()


def test_uploads_that_are_too_large_for_memory_go_where_they_are_swept(settings):
    assert oct(os.stat(settings.FILE_UPLOAD_TEMP_DIR).st_mode & 0o777) == "0o700"
    with TemporaryUploadedFile("calls.csv", "text/csv", 3, None) as file:
        assert file.temporary_file_path().startswith(str(settings.FILE_UPLOAD_TEMP_DIR))


def test_a_posted_name_does_not_leave_the_folder(client, tmp_path):
    client.force_login(factories.make_user())
    data = {"import_file_name": "../../etc/passwd", "original_file_name": "x", "format": "0", "resource": ""}
    response = client.post("/admin/accounts/workspace/process_import/", data, follow=True)
    assert "Upload the file again" in response.content.decode()
