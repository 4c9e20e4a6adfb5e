"""The ground of every admin page: nothing is deleted here, masked columns are masked, lists stay quick."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateField, Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from accounts.access import log_access
from accounts.masking import mask
from accounts.models import AccessLogEntry, User, Workspace
from accounts.validators import validate_year
from accounts.verdicts import data_map

ROWS_PER_PAGE = 25
HIDES: list[Callable[[QuerySet], QuerySet]] = []  # the upper apps register here what no page may show any more


def shown(rows: QuerySet) -> QuerySet:
    """Return those of the rows that pages may show."""
    for hide in HIDES:
        rows = hide(rows)
    return rows


def may_see_clear(request: HttpRequest) -> bool:
    """Return whether this person sees telephone numbers, addresses and e-mails in clear."""
    return request.user.has_perm("accounts.view_clear_values")


def masked_columns(model: type[Model]) -> set[str]:
    """Return the columns that the data map wants masked."""
    entry = data_map().get(model._meta.label)
    return {name for name, column in entry.columns.items() if column.masked} if entry else set()


def log_clear_look(request: HttpRequest, model: type[Model], *, subject: str = "", rows: int | None = None) -> None:
    """Write down that somebody saw what others see masked: one row by its opaque id, or how many of a list."""
    if may_see_clear(request):
        action = AccessLogEntry.Action.LOOK if subject else AccessLogEntry.Action.LIST
        of = model._meta.label
        log_access(request.user, action, of=of, subject=subject, rows=rows, now=timezone.now())  # type: ignore[arg-type]


def back_to(model_admin: ModelAdmin, object_id: Any = None) -> HttpResponse:
    """End a dialog: send the browser to the object's page, or to the list."""
    meta = model_admin.model._meta
    name = f"admin:{meta.app_label}_{meta.model_name}"
    url = reverse(f"{name}_change", args=[object_id]) if object_id else reverse(f"{name}_changelist")
    return HttpResponse(headers={"HX-Redirect": url})


def run_or_say(request: HttpRequest, act: Callable[[], Any], done: str, *errors: type[Exception]) -> bool:
    """Do one thing for the person at the screen and tell what came of it; return whether it was done."""
    try:
        act()
    except errors as error:
        messages.error(request, str(error))
        return False
    messages.success(request, done)
    return True


@functools.cache
def masked_display(model: type[Model], name: str) -> Callable[[Model], str]:
    """Return what stands in place of a masked column: always the same function, since the admin compares them."""

    def display(obj: Model) -> str:
        return mask(getattr(obj, name))

    display.short_description = model._meta.get_field(name).verbose_name  # type: ignore[attr-defined, union-attr]
    display.__name__ = f"masked_{name}"
    return display


def touches_masked(model: type[Model], lookup: str) -> bool:
    """Return whether a lookup such as ``person__phone__startswith`` passes over a masked column."""
    for name in lookup.split("__"):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        if name in masked_columns(model):
            return True
        if not field.is_relation or field.related_model is None:
            return False
        model = field.related_model
    return False


@functools.cache
def named_display(model: type[Model], name: str) -> Callable[[Model], str]:
    """Return what stands in place of a link to a row that a person may not open: its name."""

    def display(obj: Model) -> str:
        return str(getattr(obj, name) or "–")

    display.short_description = model._meta.get_field(name).verbose_name  # type: ignore[attr-defined, union-attr]
    display.__name__ = f"named_{name}"
    return display


def leads_nowhere(model: type[Model], name: Any, request: HttpRequest) -> bool:
    """Return whether a column points to a row whose page this person may not open."""
    try:
        field = model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return False
    page = admin.site._registry.get(field.related_model) if field and field.many_to_one else None  # type: ignore[arg-type]
    return page is not None and not page.has_view_or_change_permission(request)


class Masked:
    """Shows masked columns masked, unless the person may see them in clear. Sent masked: never hidden by the browser."""

    model: type[Model]

    def _mask(self, names, request: HttpRequest) -> list:
        if may_see_clear(request):
            return list(names)
        hidden = masked_columns(self.model)
        return [masked_display(self.model, name) if name in hidden else name for name in names]

    def _unlink(self, names, request: HttpRequest) -> list:
        return [named_display(self.model, name) if leads_nowhere(self.model, name, request) else name for name in names]


class PortalAdmin(Masked, ModelAdmin):
    """A page of the portal."""

    list_per_page = ROWS_PER_PAGE
    list_max_show_all = 50
    show_full_result_count = False
    list_fullwidth = True
    compressed_fields = True
    warn_unsaved_form = True
    actions = None
    change_form_outer_before_template = "retention/fate.html"
    fixed_after_add: tuple[str, ...] = ()  # what a row keeps for life
    empty_title = (
        "Nothing here yet"  # of a list without rows: what would be here, how it comes, and the words of the link
    )
    empty_text = ""
    add_words = "Add the first"
    no_partial_search: tuple[str, ...] = ()  # what to search by for those who may not search by part of a name

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return shown(super().get_queryset(request))

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str):
        raise Http404(f"There is no {opts.verbose_name} with this id, or it is past its time.")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None):
        """Return the row of an address. An id comes as the address has it: what the admin quoted is undone here."""
        return super().get_object(request, unquote(str(object_id)), from_field)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse a filter in the address on a column that is masked for this member of staff: it could be read out by it."""
        if request is not None and not may_see_clear(request) and touches_masked(self.model, lookup):
            return False
        return super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None):
        title = {"title": str(self.opts.verbose_name_plural).capitalize()}
        response = super().changelist_view(request, {**title, **(extra_context or {})})
        shown = (getattr(response, "context_data", None) or {}).get("cl")
        if shown is not None and masked_columns(self.model) & set(self.get_list_display(request)):
            log_clear_look(request, self.model, rows=len(shown.result_list))
        return response

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None):
        response = super().change_view(request, object_id, form_url, extra_context)
        seen = (getattr(response, "context_data", None) or {}).get("original")
        if request.method == "GET" and isinstance(seen, self.model):
            models = [self.model, *(inline.model for inline in self.get_inlines(request, seen))]
            if any(masked_columns(model) for model in models):
                log_clear_look(request, self.model, subject=str(seen.pk))
        return response

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(db_field, DateField):  # an instant is one too
            field.validators = [*field.validators, validate_year]
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any):
        related = db_field.remote_field.model
        if related is Workspace:  # an emptied one takes nothing new
            kwargs["queryset"] = Workspace.objects.filter(state=Workspace.State.ACTIVE)
        elif "queryset" not in kwargs:
            kwargs["queryset"] = shown(related._default_manager.all())
        if "queryset" in kwargs and (chosen := self._chosen(request, db_field)):  # what a row names already, it keeps
            kwargs["queryset"] = kwargs["queryset"] | related._default_manager.filter(pk=chosen)
        if db_field.remote_field.model is User:
            kwargs["queryset"] = User.objects.filter(is_active=True, is_staff=True).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _chosen(self, request: HttpRequest, db_field: Any) -> Any:
        match = request.resolver_match
        row = self.get_object(request, match.kwargs["object_id"]) if match and match.kwargs.get("object_id") else None
        return getattr(row, db_field.attname, None)

    def get_list_display(self, request: HttpRequest):
        return self._mask(super().get_list_display(request), request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None):
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:  # nothing to hide yet: what is typed in is the writer's own
            return fieldsets
        to_read = not self.has_change_permission(request, obj)

        def shown(row):
            names = self._mask(row if isinstance(row, list | tuple) else [row], request)
            names = self._unlink(names, request) if to_read else names
            return tuple(names) if isinstance(row, list | tuple) else names[0]

        return [
            (title, {**options, "fields": [shown(row) for row in options["fields"]]}) for title, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None):
        fields = super().get_readonly_fields(request, obj)
        if obj is None:
            return fields
        replaced = [
            field for _, options in self.get_fieldsets(request, obj) for row in options["fields"]
            for field in (row if isinstance(row, list | tuple) else [row]) if callable(field)
        ]  # fmt: skip
        return [*fields, *replaced, *self.fixed_after_add]

    def get_search_fields(self, request: HttpRequest):
        if self.no_partial_search and not request.user.has_perm("accounts.search_customers"):
            return self.no_partial_search
        return super().get_search_fields(request)


class ReadOnlyAdmin(PortalAdmin):
    """A page on which nothing is typed in."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PortalInline(Masked, TabularInline):
    """Rows of something on the page of what they belong to: to look at."""

    extra = 0
    tab = True
    can_delete = False
    show_change_link = True
    per_page = 10
    hide_title = True
    ordering: tuple[str, ...] = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return shown(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None):
        return self._unlink(self._mask(super().get_fields(request, obj), request), request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None):
        return self.get_fields(request, obj)
