"""Numbers and who has them, by import: one row is one assignment, and makes its number when it is new."""

from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from import_export.fields import Field

from accounts.models import Person, Workspace
from accounts.resources import ByOutsideId, CustomerResource, InstantWidget
from retention.tombstones import is_remembered
from telecom_records.late import take_up
from telecom_records.models import Number, NumberAssignment
from telecom_records.phone_numbers import normalise_e164

YES = {"1", "true", "yes"}
NO = {"0", "false", "no"}


class NumberAssignmentResource(CustomerResource):
    """Columns: the number in international form, whether it is VoIP, whose it is, from when until when.

    A row about a number that was deleted when this very assignment of it ended is skipped: an old file brings nothing back.
    """

    workspace = Field("workspace", "workspace", widget=ByOutsideId(Workspace, "outside_id"))
    person = Field("person", "person", widget=ByOutsideId(Person, "outside_id"))
    number = Field(column_name="number")
    voip = Field(column_name="voip")
    since = Field(column_name="from")
    until = Field(column_name="until")
    required = ("outside_id", "number", "voip", "workspace", "from")

    class Meta(CustomerResource.Meta):
        model = NumberAssignment
        fields = ("outside_id", "number", "voip", "workspace", "person", "since", "until")

    def before_import_row(self, row, **kwargs):
        instant = InstantWidget()
        since, until = instant.clean(row.get("from")), instant.clean(row.get("until"))
        if since is None:
            raise ValidationError("An assignment needs the instant from which it holds (column from).")
        if until and until <= since:
            raise ValidationError("The assignment ends before it begins.")
        row["_window"] = DateTimeTZRange(since, until)
        row["_number"], row["_erased"] = self._number(row)

    def _number(self, row) -> tuple[Number, bool]:
        """Return the number of a row, and whether it was deleted when this assignment of it ended."""
        try:
            e164 = normalise_e164(str(row.get("number") or ""), "")
        except ValueError as error:
            raise ValidationError(str(error)) from error
        said = str(row.get("voip") or "").strip().lower()
        if said not in YES | NO:
            raise ValidationError("Column voip: write yes or no. It decides whether the number itself is deleted.")
        if said in NO and is_remembered(e164, row["_window"]):
            return Number(e164=e164, is_voip=False), True
        number, _ = Number.objects.get_or_create(e164=e164, defaults={"is_voip": said in YES})
        if number.is_voip != (said in YES):
            raise ValidationError(
                "This number is known with the other value of voip. Correct it on the number's page first."
            )
        return number, False

    def import_instance(self, instance, row, **kwargs):
        super().import_instance(instance, row, **kwargs)
        instance.number, instance.window = row["_number"], row["_window"]
        instance.was_erased = row["_erased"]

    def validate_instance(self, instance, import_validation_errors=None, validate_unique=True):
        if not instance.was_erased:
            super().validate_instance(instance, import_validation_errors, validate_unique)

    def skip_row(self, instance, original, row, import_validation_errors=None):
        return instance.was_erased or super().skip_row(instance, original, row, import_validation_errors)

    def is_unchanged(self, instance, original, row) -> bool:
        same = original.pk and (original.number_id, original.window) == (instance.number_id, instance.window)
        return bool(same) and super().is_unchanged(instance, original, row)

    def after_save_instance(self, instance, row, **kwargs):
        if not kwargs.get("dry_run"):
            take_up(instance)

    def dehydrate_number(self, assignment: NumberAssignment) -> str:
        return assignment.number.e164

    def dehydrate_voip(self, assignment: NumberAssignment) -> str:
        return "yes" if assignment.number.is_voip else "no"

    def dehydrate_since(self, assignment: NumberAssignment) -> str:
        return assignment.window.lower.isoformat()

    def dehydrate_until(self, assignment: NumberAssignment) -> str:
        return assignment.window.upper.isoformat() if assignment.window.upper else ""
