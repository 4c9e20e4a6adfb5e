"""Customers in, by import (mission R14): found again by their outside id, so that the same file twice changes nothing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import BooleanWidget, DateTimeWidget, ForeignKeyWidget, Widget

from accounts.corrected import old_values
from accounts.erased import erased_people
from accounts.models import Consent, Membership, Person, PolicyVersion, Subscription, Workspace
from accounts.recording_cap import refuse_above_cap
from accounts.services import DATES_THAT_END, record_end, refuse_past_end, refuse_revival, refuse_revival_of_person
from accounts.validators import validate_year


class InstantWidget(DateTimeWidget):
    """An instant with its offset (2026-12-01T00:00:00+08:00). One without an offset is refused: it could be anywhere."""

    def clean(self, value: Any, row=None, **kwargs) -> dt.datetime | None:
        if value in (None, ""):
            return None
        if isinstance(value, dt.datetime):
            instant = value
        else:
            try:
                instant = dt.datetime.fromisoformat(str(value).strip())
            except ValueError as error:
                raise ValueError(f"“{value}” is not an instant; write it as 2026-12-01T00:00:00+08:00.") from error
        if instant.tzinfo is None:
            raise ValueError(f"“{value}” has no time zone; write the offset too, such as 2026-12-01T00:00:00+08:00.")
        validate_year(instant)
        return instant

    def render(self, value: Any, obj=None, **kwargs) -> str:
        return value.isoformat() if value else ""


class YesNoWidget(BooleanWidget):
    """Yes or no; anything else is refused instead of being taken for no."""

    YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}

    def clean(self, value: Any, row=None, **kwargs) -> bool | None:
        said = str("" if value is None else value).strip().lower()
        if said in self.YES | self.NO:
            return said in self.YES
        if said:
            raise ValueError(f"“{value}” is neither yes nor no.")
        return None


class ByOutsideId(ForeignKeyWidget):
    """A reference by the id in the service platform."""

    def clean(self, value: Any, row=None, **kwargs):
        try:
            return super().clean(value, row=row, **kwargs)
        except self.model.DoesNotExist as error:
            raise ValueError(
                f"There is no {self.model._meta.verbose_name} “{value}”. Import it first, or correct the id."
            ) from error


class TextWidget(Widget):
    """Text as it stands, without surrounding spaces."""

    def clean(self, value: Any, row=None, **kwargs) -> str:
        return "" if value is None else str(value).strip()


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")


def safe_cell(value: Any) -> Any:
    """Return a value for a spreadsheet: a text that could start a formula gets an apostrophe in front (ASVS 1.2.10)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def from_cell(value: Any) -> Any:
    """Undo ``safe_cell``, so that an export reads back."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and value[1:].startswith(FORMULA_STARTS) else value


def refuse_repeated(ids: list[Any]) -> None:
    """Raise ValidationError when an id stands in a file twice: which of the two holds, the file does not say."""
    lines: dict[str, list[int]] = {}
    for line, value in enumerate(ids, start=1):
        lines.setdefault(str(value or "").strip(), []).append(line)
    repeated = [f"{value} (rows {', '.join(map(str, found))})" for value, found in lines.items() if value and found[1:]]
    if repeated:
        more = f" and {len(repeated) - 5} more" if repeated[5:] else ""
        raise ValidationError(f"The same outside_id stands more than once: {'; '.join(repeated[:5])}{more}.")


class CustomerResource(ModelResource):
    """What all customer imports share: whole file or nothing, errors by line, unchanged rows left alone.

    ``as_of`` is the instant of which the rows tell. A row that is older than what is known is left out and counted in
    ``older`` (lines from 0). An end before ``earliest_end`` is refused: its workspace would be deleted at once.
    """

    identity: tuple[str, ...] = ("outside_id",)

    def __init__(
        self,
        *,
        now: dt.datetime | None = None,
        as_of: dt.datetime | None = None,
        earliest_end: dt.datetime | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.now = now or timezone.now()
        self.as_of = as_of or self.now
        self.earliest_end = earliest_end or self.now
        self.older: set[int] = set()
        self.line = 0
        self.corrected: dict[str, Mapping[str, set[str]]] = {}

    class Meta:
        import_id_fields: tuple[str, ...] = ("outside_id",)
        use_transactions = True
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True

    def export_field(self, field, instance, **kwargs):
        return safe_cell(super().export_field(field, instance, **kwargs))

    def before_import(self, dataset, **kwargs):
        """Refuse a file whose columns are not those of this import."""
        headers = [str(header or "").strip() for header in dataset.headers or []]
        known = [field.column_name for field in self.get_import_fields()]
        if unknown := [header for header in headers if header and header not in known]:
            raise ValidationError(f"Unknown column: {', '.join(unknown)}. This import takes: {', '.join(known)}.")
        if missing := [name for name in self.required if name not in headers]:
            raise ValidationError(f"Missing column: {', '.join(missing)}. This import takes: {', '.join(known)}.")
        dataset.headers = headers
        if "outside_id" in headers:
            refuse_repeated(dataset["outside_id"])
        for place, row in enumerate(dataset):
            dataset[place] = [from_cell(value) for value in row]
        self.corrected = old_values(self._meta.model._meta.label)

    required: tuple[str, ...] = ("outside_id",)

    def import_data(self, dataset, **kwargs):
        """Import the whole dataset or nothing of it."""
        return super().import_data(dataset, **{**kwargs, "rollback_on_validation_errors": True})

    def import_row(self, row, instance_loader, **kwargs):
        self.line = kwargs["row_number"] - 1
        return super().import_row(row, instance_loader, **kwargs)

    def skip_row(self, instance, original, row, import_validation_errors=None):
        if self.is_older(original):
            self.older.add(self.line)
            return True
        if import_validation_errors or not self.is_unchanged(instance, original, row):
            return False
        if original.pk:  # it was heard again: what is older than now is older than this, too
            type(original).objects.filter(pk=original.pk).update(fed_at=self.as_of)
        return True

    def is_older(self, original) -> bool:
        """Return whether more recent news than these rows are known of this one."""
        return bool(original.pk and original.fed_at and original.fed_at > self.as_of)

    def is_unchanged(self, instance, original, row) -> bool:
        """Return whether the row says what is known already."""
        return bool(super().skip_row(instance, original, row, None))

    def after_init_instance(self, instance, new, row, **kwargs):
        instance.workspace_before = None if new else getattr(instance, "workspace_id", None)

    def import_instance(self, instance, row, **kwargs):
        corrected = self.corrected.get(str(instance.pk), {})
        stored = {name: getattr(instance, name) for name in corrected}
        super().import_instance(instance, row, **kwargs)
        for name, old in corrected.items():
            if getattr(instance, name) in old:
                setattr(instance, name, stored[name])

    def validate_instance(self, instance, import_validation_errors=None, validate_unique=True):
        errors = dict(import_validation_errors or {})
        if getattr(instance, "workspace_id", None) and "workspace" not in errors:
            if instance.workspace_before and instance.workspace_before != instance.workspace_id:
                moved = f"This row belongs to another workspace and stays with it. Give {instance._meta.verbose_name}s of another one ids of their own."
                errors["workspace"] = ValidationError(moved)
            elif instance.workspace.state not in Workspace.INTACT:
                errors["workspace"] = ValidationError(
                    "This workspace has been emptied. A customer who returns gets a new one."
                )
        super().validate_instance(instance, errors, validate_unique)

    def before_save_instance(self, instance, row, **kwargs):
        instance.fed_at = self.as_of


class WorkspaceResource(CustomerResource):
    created_at = Field("created_at", "created_at", widget=InstantWidget())
    required = ("outside_id", "name")

    class Meta(CustomerResource.Meta):
        model = Workspace
        fields = ("outside_id", "name", "kind", "country", "time_zone", "created_at")

    def before_import_row(self, row, **kwargs):
        refuse_revival(str(row.get("outside_id") or "").strip())


class PersonResource(CustomerResource):
    """People; the column ``workspaces`` names those they belong to, separated by blanks."""

    created_at = Field("created_at", "created_at", widget=InstantWidget())
    notify_by_email = Field("notify_by_email", "notify_by_email", widget=YesNoWidget())
    notify_by_sms = Field("notify_by_sms", "notify_by_sms", widget=YesNoWidget())
    workspaces = Field(column_name="workspaces")
    required = ("outside_id", "name")

    class Meta(CustomerResource.Meta):
        model = Person
        fields = (
            "outside_id", "name", "email", "phone", "billing_address", "business_name", "country", "language",
            "notify_by_email", "notify_by_sms", "source", "source_detail", "created_at", "workspaces",
        )  # fmt: skip

    def before_import_row(self, row, **kwargs):
        refuse_revival_of_person(str(row.get("outside_id") or "").strip())
        wanted = str(row.get("workspaces") or "").split()
        found = Workspace.objects.in_bulk(wanted, field_name="outside_id")
        if missing := [outside_id for outside_id in wanted if outside_id not in found]:
            raise ValidationError(f"There is no workspace {', '.join(missing)}. Import it first, or correct the id.")
        for workspace in found.values():
            if workspace.state not in Workspace.INTACT:
                raise ValidationError(f"Workspace {workspace} has been emptied and takes nobody any more.")
        outside_id = str(row.get("outside_id") or "").strip()
        for_good = erased_people({outside_id}).get(outside_id)
        if for_good:
            raise ValidationError(f"Customer {outside_id} was deleted as a child’s data and does not return.")
        if for_good is False and not found:
            raise ValidationError(
                f"Customer {outside_id} was deleted. One who returns is named with a workspace that lives."
            )

    def is_unchanged(self, instance, original, row) -> bool:
        wanted = set(str(row.get("workspaces") or "").split())
        joined = set()
        if original.pk:
            joined = set(original.memberships.values_list("workspace__outside_id", flat=True))
        return wanted <= joined and super().is_unchanged(instance, original, row)

    def after_save_instance(self, instance, row, **kwargs):
        for workspace in Workspace.objects.filter(outside_id__in=str(row.get("workspaces") or "").split()):
            Membership.objects.get_or_create(workspace=workspace, person=instance)

    def dehydrate_workspaces(self, person: Person) -> str:
        return " ".join(person.memberships.order_by("pk").values_list("workspace__outside_id", flat=True))


class MembershipResource(CustomerResource):
    """Who belongs to which workspace, one by one."""

    workspace = Field("workspace", "workspace", widget=ByOutsideId(Workspace, "outside_id"))
    person = Field("person", "person", widget=ByOutsideId(Person, "outside_id"))
    since = Field("since", "since", widget=InstantWidget())
    required = identity = ("workspace", "person")

    class Meta(CustomerResource.Meta):
        model = Membership
        import_id_fields = ("workspace", "person")
        fields = ("workspace", "person", "role", "since")


class SubscriptionResource(CustomerResource):
    workspace = Field("workspace", "workspace", widget=ByOutsideId(Workspace, "outside_id"))
    starts_at = Field("starts_at", "starts_at", widget=InstantWidget())
    expires_at = Field("expires_at", "expires_at", widget=InstantWidget())
    cancelled_at = Field("cancelled_at", "cancelled_at", widget=InstantWidget())
    next_billing_at = Field("next_billing_at", "next_billing_at", widget=InstantWidget())
    agreed_end_at = Field("agreed_end_at", "agreed_end_at", widget=InstantWidget())
    recording_enabled = Field("recording_enabled", "recording_enabled", widget=YesNoWidget())
    required = ("outside_id", "workspace", "plan", "starts_at", "expires_at")

    class Meta(CustomerResource.Meta):
        model = Subscription
        fields = (
            "outside_id", "workspace", "plan", "starts_at", "expires_at", "cancelled_at", "next_billing_at",
            "agreed_end_at", "recording_enabled", "recording_days",
        )  # fmt: skip

    def after_init_instance(self, instance, new, row, **kwargs):
        super().after_init_instance(instance, new, row, **kwargs)
        instance.end_before = None if new else instance.end
        instance.recording_days_before = None if new else instance.recording_days

    def validate_instance(self, instance, import_validation_errors=None, validate_unique=True):
        errors = dict(import_validation_errors or {})
        if instance.end != instance.end_before and not set(DATES_THAT_END) & set(errors):
            try:
                refuse_past_end(instance, now=self.earliest_end)
            except ValidationError as error:
                errors = error.update_error_dict(errors)
        if instance.recording_days != instance.recording_days_before and instance.workspace_id:
            try:
                refuse_above_cap(instance, now=timezone.now())
            except ValidationError as error:
                errors = error.update_error_dict(errors)
        super().validate_instance(instance, errors, validate_unique)

    def before_import(self, dataset, **kwargs):
        super().before_import(dataset, **kwargs)
        self.ended: list[Subscription] = []

    def after_save_instance(self, instance, row, **kwargs):
        if instance.end != instance.end_before:
            self.ended.append(instance)

    def after_import(self, dataset, result, **kwargs):
        for subscription in self.ended:  # last of all: the log's lock is held until the transaction ends
            record_end(subscription, user=kwargs.get("user"))


class ConsentResource(CustomerResource):
    """Consents. What was withdrawn here stays so, whatever a file or feed says that does not know of it yet."""

    person = Field("person", "person", widget=ByOutsideId(Person, "outside_id"))
    policy_version = Field("policy_version", "policy_version", widget=ForeignKeyWidget(PolicyVersion, "version"))
    given_at = Field("given_at", "given_at", widget=InstantWidget())
    withdrawn_at = Field("withdrawn_at", "withdrawn_at", widget=InstantWidget())
    required = ("outside_id", "person", "purpose", "policy_version", "given_at")

    class Meta(CustomerResource.Meta):
        model = Consent
        fields = (
            "outside_id", "person", "purpose", "policy_version", "given_at", "channel", "evidence", "withdrawn_at",
        )  # fmt: skip

    def before_import_row(self, row, **kwargs):
        version = str(row.get("policy_version") or "").strip()
        if not PolicyVersion.objects.filter(version=version).exists():
            raise ValidationError(f"There is no version “{version}” of the privacy policy. Add it first.")

    def after_init_instance(self, instance, new, row, **kwargs):
        super().after_init_instance(instance, new, row, **kwargs)
        instance.withdrawn_before = None if new else instance.withdrawn_at

    def import_instance(self, instance, row, **kwargs):
        super().import_instance(instance, row, **kwargs)
        before = instance.withdrawn_before
        if before and (instance.withdrawn_at is None or instance.withdrawn_at > before):
            instance.withdrawn_at = before
