"""Staff, roles and schedules: the security administrator's pages."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User
from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin

for model in (
    Group, PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule,
    AccessAttempt, AccessFailureLog, AccessLog,
):  # fmt: skip
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class StaffChangeForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class StaffCreationForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PortalAdmin):  # type: ignore[misc]
    form = StaffChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "name", "roles", "is_active", "last_login"]
    list_filter = ["is_active", "groups"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("Access", {"fields": ["is_active", "groups", "last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "name", "usable_password", "password1", "password2"]})
    ]
    readonly_fields = ["last_login", "date_joined"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @display(description="role", label=True)
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ["name", "people"]
    fields = ["name", "permissions"]
    ordering = ["name"]

    @display(description="people")
    def people(self, group: Group) -> int:
        return group.user_set.count()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin, BeatTaskAdmin):
    """What beat does and when it last did it. The schedule itself is in the settings."""

    list_display = ["name", "enabled", "interval", "last_run_at"]
    list_filter = ()
    search_fields = ["name"]
    actions = None


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    empty_title = "No failed sign-ins"
    empty_text = (
        "Wrong passwords are counted here, by address; after a few of them nobody may try from there for a while."
    )
    list_display = ["attempt_time", "username", "ip_address", "failures_since_start"]
    fields = list_display
    ordering = ["-attempt_time"]
    search_fields = ["username", "ip_address"]
