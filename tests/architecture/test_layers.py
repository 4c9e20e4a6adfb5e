"""The structure holds: imports and foreign keys point one way, deletion cascades nowhere, every column has a verdict."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.core.management import CommandError, call_command
from django.db import models

from accounts.models import Person
from accounts.verdicts import Goes, data_map, missing_verdicts, other_peoples_models

ROOT = Path(__file__).resolve().parents[2]
OURS = ["accounts", "retention", "telecom_records", "dsar"]  # from the bottom up


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OURS]


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "PORTAL_MODE": "test", "PORTAL_VAR": str(ROOT / "var" / "test")},
    )  # fmt: skip


@pytest.fixture(scope="module")
def copy_of_the_code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    for app in ["callmama_privacy", *OURS]:
        shutil.copytree(ROOT / app, folder / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_imports_go_one_way(copy_of_the_code):
    done = lint_imports(copy_of_the_code)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("accounts/services.py", "import retention.due"),
        ("retention/due.py", "import telecom_records.models"),
        ("telecom_records/imports.py", "import dsar.models"),
        ("dsar/services.py", "import callmama_privacy.home"),
        ("dsar/deadlines/dates.py", "import django.utils.timezone"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_found(copy_of_the_code, module, line):
    path = copy_of_the_code / module
    before = path.read_text()
    path.write_text(f"{line}\n{before}")
    try:
        done = lint_imports(copy_of_the_code)
    finally:
        path.write_text(before)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout


def test_no_foreign_key_points_upwards():
    for model in our_models():
        for field in model._meta.concrete_fields:
            target = field.related_model._meta.app_label if field.is_relation else None
            if target in OURS:
                assert OURS.index(target) <= OURS.index(model._meta.app_label), f"{model._meta.label}.{field.name}"


def test_nothing_of_a_customer_is_deleted_by_cascade():
    for model in our_models():
        if model._meta.auto_created:
            continue
        for field in model._meta.concrete_fields:
            if field.is_relation:
                assert field.remote_field.on_delete is models.PROTECT, f"{model._meta.label}.{field.name}"


def test_every_column_has_a_verdict():
    assert missing_verdicts(apps.get_models(include_auto_created=True)) == []
    ours = {label for label in data_map() if label.split(".")[0] in OURS}
    assert ours == {model._meta.label for model in our_models()}


def test_the_check_fails_for_a_column_without_a_verdict_and_says_what_to_write_where():
    field = models.IntegerField(null=True)
    Person.add_to_class("shoe_size", field)
    try:
        with pytest.raises(CommandError) as failure:
            call_command("check")
    finally:
        Person._meta.local_fields.remove(field)
        Person._meta._expire_cache()
        del Person.shoe_size
    message = str(failure.value)
    assert "accounts.Person.shoe_size has no verdict in the data map" in message
    assert "accounts/data_map.py" in message
    call_command("check")


def test_the_check_fails_for_a_model_without_a_verdict():
    class Secret:
        _meta = type(
            "Meta",
            (),
            {"label": "accounts.Secret", "app_config": apps.get_app_config("accounts"), "concrete_fields": []},
        )

    (error,) = missing_verdicts([Secret])
    assert (error.id, "accounts/data_map.py" in error.hint) == ("data_map.E001", True)


def test_every_library_model_that_is_excused_says_why():
    assert all(len(reason) > 10 for reason in other_peoples_models().values())


def test_no_page_of_the_admin_can_delete(rf):
    from accounts.models import User

    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)
    for model, model_admin in site._registry.items():
        assert not model_admin.has_delete_permission(request), model._meta.label
        assert "delete_selected" not in model_admin.get_actions(request), model._meta.label


def test_a_models_text_names_nobody():
    texts = {"name", "email", "phone", "requester_name", "subject"}
    for model in our_models():
        if model._meta.label == "accounts.User" or data_map()[model._meta.label].goes is Goes.KEEP:
            continue
        fields = {field.name for field in model._meta.concrete_fields} & texts
        if fields:
            token = "Zyzzyva"
            assert token not in str(model(**dict.fromkeys(fields, token))), model._meta.label
