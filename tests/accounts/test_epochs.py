"""Key epochs: keys are wrapped anew, a destroyed key never returns, and no key is destroyed that is still needed."""

import datetime as dt
import importlib
import io
import multiprocessing
import uuid

import pytest
from cryptography.exceptions import InvalidTag
from django.contrib.auth.models import Permission
from django.db import connection, connections, transaction

from accounts import approvals, epoch_keys, epochs, evidence, files, keys, sealing
from accounts.models import Approval, EvidenceEntry, KeyEpoch, KeyPair
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from accounts.tasks import keep_epochs, wrap_keys_anew
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def officers():
    return [factories.make_user(PRIVACY_OFFICER, email=f"{name}@example.test") for name in ("mina", "otto")]


@pytest.fixture(autouse=True)
def forget():
    epoch_keys._cache.clear()


def make_pairs(count: int) -> list[KeyPair]:
    for _ in range(count):
        keys.recipient_of("person", uuid.uuid4())
    return list(KeyPair.objects.order_by("pk"))


def wrapped_by_current() -> bool:
    return not KeyPair.objects.filter(wrapped__isnull=False).exclude(epoch__state="current").exists()


def rotate(now=NOW, user=None) -> KeyEpoch:
    user = user or factories.make_user()
    epoch = epochs.rotate(now=now, user=user)
    assert epochs.rewrap(seconds=60)[1] == 0
    return epoch


def age_first_epoch(began_at) -> KeyEpoch:
    epoch = epochs.current()
    KeyEpoch.objects.filter(pk=epoch.pk).update(began_at=began_at)
    return KeyEpoch.objects.get(pk=epoch.pk)


def test_files_stay_readable_through_a_change_of_epoch():
    owner = uuid.uuid4()
    key = files.put_encrypted(io.BytesIO(b"words"), owner="workspace", owner_id=owner)
    before = KeyPair.objects.get()
    assert before.epoch.number == 1
    made = rotate()
    after = KeyPair.objects.get()
    assert (after.epoch, made.number) == (made, 2)
    assert bytes(after.wrapped) != bytes(before.wrapped)
    assert files.read_encrypted(key) == b"words"
    files.put_encrypted(io.BytesIO(b"more"), owner="workspace", owner_id=owner)
    assert KeyPair.objects.count() == 1


def test_a_wrapped_key_opens_for_its_own_row_owner_and_epoch_only():
    one, two = make_pairs(2)
    KeyPair.objects.filter(pk=one.pk).update(wrapped=bytes(two.wrapped))
    with pytest.raises(InvalidTag):
        keys.identity_of("person", one.owner_id)
    KeyPair.objects.filter(pk=two.pk).update(owner="workspace")
    with pytest.raises(InvalidTag):
        keys.identity_of("workspace", two.owner_id)
    KeyPair.objects.filter(pk=two.pk).update(owner="person", epoch=rotate_without_wrapping())
    with pytest.raises(InvalidTag):
        keys.identity_of("person", two.owner_id)


def rotate_without_wrapping() -> KeyEpoch:
    return epochs.rotate(now=NOW, user=factories.make_user())


@pytest.mark.parametrize(("age", "begins"), [(30 * DAY - SECOND, False), (30 * DAY, True), (900 * DAY, True)])
def test_beat_begins_an_epoch_when_the_current_one_is_thirty_days_old(age, begins):
    make_pairs(2)
    first = age_first_epoch(NOW - age)
    made = epochs.rotate(now=NOW)
    assert (made is not None) is begins
    first.refresh_from_db()
    assert (first.state, first.ended_at) == (("kept", NOW) if begins else ("current", None))
    assert EvidenceEntry.objects.filter(type="KEY_EPOCH_BEGAN").count() == begins


def test_beat_makes_no_epoch_in_an_installation_that_has_no_key():
    keep_epochs()
    assert not KeyEpoch.objects.exists()


def test_the_days_of_an_epoch_can_be_set(settings):
    make_pairs(1)
    age_first_epoch(NOW - 7 * DAY)
    assert epochs.rotate(now=NOW) is None
    settings.KEY_EPOCH_DAYS = 7
    assert epochs.rotate(now=NOW).number == 2


def test_wrapping_anew_goes_on_where_it_was_stopped(monkeypatch):
    make_pairs(5)
    rotate_without_wrapping()
    real, calls = epochs._rewrap_one, []

    def break_at_third(pair, epoch):
        calls.append(pair)
        if len(calls) == 3:
            raise OSError("power cut")
        return real(pair, epoch)

    monkeypatch.setattr(epochs, "_rewrap_one", break_at_third)
    with pytest.raises(OSError):
        epochs.rewrap(seconds=60)
    assert KeyPair.objects.filter(epoch__state="current").count() == 2
    assert epochs.rewrap(seconds=60) == (3, 0)
    assert epochs.rewrap(seconds=60) == (0, 0)
    assert wrapped_by_current()


def test_wrapping_anew_takes_several_batches_and_a_short_turn_does_no_harm(monkeypatch):
    monkeypatch.setattr(epochs, "BATCH", 2)
    make_pairs(5)
    rotate_without_wrapping()
    assert epochs.rewrap(seconds=0) == (0, 5)
    assert epochs.rewrap(seconds=60) == (5, 0)


def test_a_pair_that_does_not_open_is_left_and_stops_nobody_else():
    pairs = make_pairs(3)
    KeyPair.objects.filter(pk=pairs[1].pk).update(wrapped=b"x" * 60)
    first = epochs.current()
    rotate_without_wrapping()
    assert epochs.rewrap(seconds=60) == (2, 1)
    assert list(first.pairs.all()) == [pairs[1]]
    wrap_keys_anew()  # and asks for no other turn, which would get nowhere


def test_a_key_destroyed_while_it_is_wrapped_anew_stays_destroyed():
    """The pair is read, then destroyed by somebody else, then written back: the exchange must not happen."""
    (pair,) = make_pairs(1)
    epoch = rotate_without_wrapping()
    keys.destroy_keys("person", [pair.owner_id])
    assert epochs._rewrap_one(pair, epoch) == 0
    pair.refresh_from_db()
    assert (pair.wrapped, pair.destroyed_at is not None) == (None, True)


def _race(name: str, database: str, barrier, act_name: str, ids: list, answers) -> None:
    try:
        settings_of(database)
        barrier.wait(60)
        answers.put((name, globals()[act_name](ids)))
    except Exception as error:
        answers.put((name, repr(error)))
    finally:
        connections.close_all()


def settings_of(database: str) -> None:
    assert connection.settings_dict["NAME"] == database


def _destroy_each(ids: list) -> int:
    return sum(keys.destroy_keys("person", [owner_id]) for owner_id in ids)


def _destroy_all(ids: list) -> int:
    return keys.destroy_keys("person", ids)


def _rewrap_all(ids: list) -> int:
    return epochs.rewrap(seconds=60)[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("destroy", ["_destroy_each", "_destroy_all"])
def test_of_a_thousand_keys_wrapped_and_destroyed_at_once_none_returns(destroy):
    """Two real processes with connections of their own, let go by a barrier."""
    pairs = make_pairs(1_000)
    doomed = [pair.owner_id for pair in pairs[::2]]
    user = factories.make_user()
    epochs.rotate(now=NOW, user=user)
    connections.close_all()
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(2), context.Queue()
    database = connection.settings_dict["NAME"]
    workers = [
        context.Process(target=_race, args=(act, database, barrier, act, doomed, answers))
        for act in ("_rewrap_all", destroy)
    ]
    for worker in workers:
        worker.start()
    results = dict(answers.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(30)
    assert results[destroy] == 500
    assert isinstance(results["_rewrap_all"], int) and results["_rewrap_all"] >= 500
    assert set(KeyPair.objects.filter(wrapped__isnull=True).values_list("owner_id", flat=True)) == set(doomed)
    assert wrapped_by_current()
    for pair in pairs[:6]:
        if pair.owner_id in doomed:
            with pytest.raises(keys.KeyDestroyed):
                keys.identity_of("person", pair.owner_id)
        else:
            assert str(keys.identity_of("person", pair.owner_id).to_public()) == pair.recipient


@pytest.mark.django_db(transaction=True)
def test_two_first_keys_at_once_make_one_epoch():
    connections.close_all()
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(2), context.Queue()
    database = connection.settings_dict["NAME"]
    workers = [
        context.Process(target=_race, args=(str(place), database, barrier, "_first_key", [uuid.uuid4()], answers))
        for place in range(2)
    ]
    for worker in workers:
        worker.start()
    results = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert all(len(text) > 50 for _, text in results)
    assert KeyEpoch.objects.count() == 1 and KeyPair.objects.filter(epoch__number=1).count() == 2


def _first_key(ids: list) -> str:
    return keys.recipient_of("person", ids[0])


def test_an_owner_whose_keys_were_destroyed_before_there_were_any_gets_none_later():
    owner = uuid.uuid4()
    assert keys.destroy_keys("workspace", [owner]) == 0
    with pytest.raises(keys.KeyDestroyed):
        keys.recipient_of("workspace", owner)
    assert keys.destroy_keys("workspace", [owner]) == 0


# --- The end of an epoch -------------------------------------------------------------------------------------------


def three_epochs() -> KeyEpoch:
    """Return the oldest of three, which no pair needs any more."""
    make_pairs(2)
    first = age_first_epoch(NOW - 60 * DAY)
    rotate(NOW - 30 * DAY)
    rotate(NOW)
    first.refresh_from_db()
    return first


def approve(first: KeyEpoch, officers, now=NOW) -> None:
    asked = epochs.ask_to_prune(first, user=officers[0], now=now)
    approvals.decide(asked.pk, user=officers[1], agree=True, now=now)
    first.refresh_from_db()


def test_two_officers_and_seven_days_end_an_epoch_for_good(officers, settings):
    first = three_epochs()
    key_file = settings.EPOCH_KEYS_ROOT / str(first.pk)
    approve(first, officers)
    assert (first.state, first.destroy_after) == ("pending", NOW + 7 * DAY)
    assert epochs.destroy_due(NOW + 7 * DAY - SECOND) == 0
    assert key_file.exists() and epochs.opens(first)
    assert epochs.destroy_due(NOW + 7 * DAY) == 1
    first.refresh_from_db()
    assert (first.state, first.destroyed_at) == ("destroyed", NOW + 7 * DAY)
    assert not key_file.exists() and not epochs.opens(first)
    assert epochs.destroy_due(NOW + 30 * DAY) == 0
    assert [entry.type for entry in EvidenceEntry.objects.filter(subject=str(first.pk)).order_by("sequence")] == [
        "KEY_EPOCH_PENDING",
        "KEY_EPOCH_DESTROYED",
    ]
    assert evidence.broken_entry() is None
    assert all(keys.identity_of("person", pair.owner_id) for pair in KeyPair.objects.all())


def test_a_copy_of_the_key_store_from_the_time_of_a_destroyed_epoch_opens_nothing(officers):
    (pair,) = make_pairs(1)
    stolen = KeyPair.objects.select_related("epoch").get()
    age_first_epoch(NOW - 60 * DAY)
    first = stolen.epoch
    rotate(NOW - 30 * DAY)
    rotate(NOW)
    first.refresh_from_db()
    old = epoch_keys.provider().unwrap(stolen.epoch_id, bytes(stolen.wrapped), bound_to=epochs.bound_to(stolen))
    assert old.startswith(b"AGE-SECRET-KEY-")
    approve(first, officers)
    epochs.destroy_due(NOW + 7 * DAY)
    with pytest.raises(epoch_keys.EpochKeyMissing):
        epoch_keys.provider().unwrap(stolen.epoch_id, bytes(stolen.wrapped), bound_to=epochs.bound_to(stolen))
    assert keys.identity_of("person", pair.owner_id)


def test_an_epoch_with_one_key_left_is_not_destroyed(officers):
    make_pairs(3)
    first = age_first_epoch(NOW - 60 * DAY)
    left = KeyPair.objects.first()
    rotate(NOW - 30 * DAY)
    rotate(NOW)
    KeyPair.objects.filter(pk=left.pk).update(epoch=first, wrapped=bytes(left.wrapped))
    first.refresh_from_db()
    with pytest.raises(approvals.UnableToApprove, match="1 keys still need this epoch"):
        epochs.ask_to_prune(first, user=officers[0], now=NOW)


def test_a_key_that_comes_back_between_asking_and_agreeing_voids_the_agreement(officers):
    first = three_epochs()
    asked = epochs.ask_to_prune(first, user=officers[0], now=NOW)
    KeyPair.objects.filter(pk=KeyPair.objects.first().pk).update(epoch=first)
    with pytest.raises(approvals.UnableToApprove, match="has changed"):
        approvals.decide(asked.pk, user=officers[1], agree=True, now=NOW)
    first.refresh_from_db()
    assert first.state == "kept"


def test_a_key_that_comes_back_while_the_epoch_waits_keeps_it(officers, settings):
    first = three_epochs()
    approve(first, officers)
    KeyPair.objects.filter(pk=KeyPair.objects.first().pk).update(epoch=first)
    assert epochs.destroy_due(NOW + 8 * DAY) == 0
    first.refresh_from_db()
    assert first.state == "kept" and epochs.opens(first)


def test_a_key_store_that_says_pending_without_two_officers_is_not_believed(officers):
    first = three_epochs()
    KeyEpoch.objects.filter(pk=first.pk).update(state="pending", destroy_after=NOW)
    assert epochs.destroy_due(NOW + DAY) == 0
    first.refresh_from_db()
    assert first.state == "kept" and epochs.opens(first)


def test_the_newest_two_epochs_stay(officers):
    make_pairs(1)
    first = age_first_epoch(NOW - 30 * DAY)
    second = rotate(NOW)
    first.refresh_from_db()
    for epoch, reason in [(first, "newest 2 epochs"), (second, "“Current”")]:
        with pytest.raises(approvals.UnableToApprove, match=reason):
            epochs.ask_to_prune(epoch, user=officers[0], now=NOW)


def test_any_officer_keeps_an_epoch_that_waits(officers):
    first = three_epochs()
    approve(first, officers)
    epochs.keep(first.pk, user=officers[0])
    assert epochs.destroy_due(NOW + 8 * DAY) == 0
    first.refresh_from_db()
    assert (first.state, first.destroy_after) == ("kept", None)
    with pytest.raises(epochs.UnableToPrune):
        epochs.keep(first.pk, user=officers[0])


def test_nobody_ends_an_epoch_alone(officers):
    first = three_epochs()
    asked = epochs.ask_to_prune(first, user=officers[0], now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=officers[0], agree=True, now=NOW)


def test_a_store_that_keeps_the_key_it_was_told_to_destroy_is_not_believed(officers, monkeypatch):
    first = three_epochs()
    approve(first, officers)
    monkeypatch.setattr(epoch_keys.FolderOfEpochKeys, "destroy", lambda self, epoch_id: None)
    with pytest.raises(epochs.UnableToPrune, match="still opens"):
        epochs.destroy_due(NOW + 8 * DAY)
    first.refresh_from_db()
    assert first.state == "pending"
    assert not EvidenceEntry.objects.filter(type="KEY_EPOCH_DESTROYED").exists()


def test_exposure_ends_sixty_seven_days_after_an_epoch_began(officers):
    (pair,) = make_pairs(1)
    first = age_first_epoch(NOW - 10 * DAY)
    owner = pair.owner_id
    assert keys.retire_at("person", [owner]) == NOW + 57 * DAY
    keys.destroy_keys("person", [owner])
    assert keys.retire_at("person", [owner]) == NOW + 57 * DAY, "a destroyed pair remembers its epoch"
    assert keys.retire_at("person", [uuid.uuid4()]) is None
    rotate(NOW + 20 * DAY)
    rotate(NOW + 50 * DAY)
    assert epochs.overdue(NOW + 50 * DAY - SECOND) == []
    assert epochs.overdue(NOW + 50 * DAY) == [KeyEpoch.objects.get(pk=first.pk)]
    first.refresh_from_db()
    approve(first, officers, now=NOW + 50 * DAY)
    assert keys.retire_at("person", [owner]) == NOW + 57 * DAY
    epochs.destroy_due(NOW + 58 * DAY)
    assert keys.retire_at("person", [owner]) == NOW + 58 * DAY


# --- Where the keys are --------------------------------------------------------------------------------------------


def test_an_epoch_key_is_sealed_readable_by_its_owner_only_and_useless_without_the_master_key(settings):
    make_pairs(1)
    (path,) = settings.EPOCH_KEYS_ROOT.iterdir()
    assert path.stat().st_mode & 0o777 == 0o400 and settings.EPOCH_KEYS_ROOT.stat().st_mode & 0o777 == 0o700
    epoch = epochs.current()
    assert epochs.opens(epoch)
    epoch_keys._cache.clear()
    settings.MASTER_KEY = "another master key, of the same length and no use"
    assert not epochs.opens(epoch)


def test_an_epoch_key_is_made_once(settings):
    epoch = epochs.current()
    with pytest.raises(FileExistsError):
        epoch_keys.provider().make(epoch.pk)
    assert [path.name for path in settings.EPOCH_KEYS_ROOT.iterdir()] == [str(epoch.pk)]
    assert epochs.opens(epoch)


def test_an_epoch_key_that_went_elsewhere_is_used_for_a_minute_at_most(settings, monkeypatch):
    epoch = epochs.current()
    seconds = iter([0.0])
    clock = {"now": 1000.0}
    monkeypatch.setattr(epoch_keys.time, "monotonic", lambda: clock["now"])
    epoch_keys._cache.clear()
    assert epochs.opens(epoch) and next(seconds) == 0.0
    (settings.EPOCH_KEYS_ROOT / str(epoch.pk)).unlink()
    clock["now"] += epoch_keys.CACHE_SECONDS - 0.1
    assert epochs.opens(epoch)
    clock["now"] += 0.1
    assert not epochs.opens(epoch)
    assert epoch_keys.CACHE_SECONDS <= 60


def test_an_epoch_key_destroyed_here_is_forgotten_at_once():
    epoch = epochs.current()
    assert epochs.opens(epoch)
    epoch_keys.provider().destroy(epoch.pk)
    assert not epochs.opens(epoch)
    epoch_keys.provider().destroy(epoch.pk)  # again is fine


def test_a_pair_destroyed_in_another_process_is_closed_here_at_once():
    (pair,) = make_pairs(1)
    assert keys.identity_of("person", pair.owner_id)
    with connection.cursor() as cursor:  # as another process would
        cursor.execute("UPDATE accounts_keypair SET wrapped = NULL, destroyed_at = now()")
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("person", pair.owner_id)


def test_keys_of_an_older_installation_are_wrapped_by_the_first_epoch():
    from django.apps import apps
    from django.db import connection as database

    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("ALTER TABLE accounts_keypair DROP CONSTRAINT keypair_wrapped_in_an_epoch")
    owner, destroyed = uuid.uuid4(), uuid.uuid4()
    key = files.put_encrypted(io.BytesIO(b"old words"), owner="person", owner_id=owner)
    files.put_encrypted(io.BytesIO(b"gone"), owner="person", owner_id=destroyed)
    keys.destroy_keys("person", [destroyed])
    pair = KeyPair.objects.get(owner_id=owner)
    secret = epoch_keys.provider().unwrap(pair.epoch_id, bytes(pair.wrapped), bound_to=epochs.bound_to(pair))
    old = sealing.seal(secret, purpose="key pairs", bound_to=str(pair.pk))
    KeyPair.objects.update(epoch=None)
    KeyPair.objects.filter(pk=pair.pk).update(wrapped=old)
    KeyEpoch.objects.all().delete()

    class Editor:
        connection = database

    importlib.import_module("accounts.migrations.0008_key_epochs").wrap_in_the_first_epoch(apps, Editor)
    assert files.read_encrypted(key) == b"old words"
    assert KeyPair.objects.get(owner_id=owner).epoch == KeyEpoch.objects.get(number=1, state="current")
    assert KeyPair.objects.get(owner_id=destroyed).wrapped is None


# --- The page ------------------------------------------------------------------------------------------------------


def test_an_officer_begins_an_epoch_and_two_end_one(client, officers):
    first = three_epochs()
    list_page = "/admin/accounts/keyepoch/"
    client.force_login(officers[0])
    assert "Begin a new epoch" in client.get(list_page).content.decode()
    post = {"_form_submitted": "1"}
    assert client.post(f"{list_page}rotate/", post).status_code == 200
    assert KeyEpoch.objects.count() == 4
    assert client.post(f"{list_page}{first.pk}/prune/", post).status_code == 200
    asked = Approval.objects.get(action=epochs.PRUNE)
    client.force_login(officers[1])
    client.post(f"/admin/accounts/approval/{asked.pk}/approve/", post)
    first.refresh_from_db()
    assert first.state == "pending"
    client.post(f"{list_page}{first.pk}/keep/", post)
    first.refresh_from_db()
    assert first.state == "kept"


@pytest.mark.parametrize(
    ("role", "begins", "ends"),
    [
        (PRIVACY_OFFICER, True, True),
        (SECURITY_ADMINISTRATOR, True, False),
        (AUDITOR, False, False),
        (SUPPORT_AGENT, False, False),
    ],
)
def test_who_begins_and_who_ends_an_epoch(client, role, begins, ends):
    first = three_epochs()
    factories.make_user(PRIVACY_OFFICER, email="second@example.test")
    client.force_login(factories.make_user(role, email="first@example.test"))
    client.post("/admin/accounts/keyepoch/rotate/", {"_form_submitted": "1"})
    assert (KeyEpoch.objects.count() == 4) is begins
    client.post(f"/admin/accounts/keyepoch/{first.pk}/prune/", {"_form_submitted": "1"})
    assert Approval.objects.filter(action=epochs.PRUNE).exists() is ends


def test_the_permissions_exist():
    assert Permission.objects.filter(codename__in=["rotate_keyepoch", "prune_keyepoch"]).count() == 2
