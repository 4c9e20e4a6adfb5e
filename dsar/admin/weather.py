"""Weather warnings in Hong Kong, which move dates there."""

from django import forms
from django.contrib import admin, messages
from django.utils import timezone

from accounts.portal_admin import PortalAdmin
from dsar.dating import UnableToRecord, record_warning
from dsar.models import WeatherWarning


class WarningForm(forms.ModelForm):
    class Meta:
        model = WeatherWarning
        fields = ["kind", "on"]

    def clean_on(self):
        on = self.cleaned_data["on"]
        if on > timezone.localdate(timezone.now()):
            raise forms.ValidationError("This day has not come yet.")
        return on


@admin.register(WeatherWarning)
class WeatherWarningAdmin(PortalAdmin):
    empty_title = "No warnings yet"
    empty_text = "Days with a gale or black rainstorm warning, which are no working days in Hong Kong."
    add_words = "Record a warning"
    form = WarningForm
    fields = ["kind", "on"]
    list_display = ["on", "kind", "recorded_by", "recorded_at"]
    ordering = ["-on", "kind"]
    list_select_related = ["recorded_by"]

    def has_change_permission(self, request, obj=None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request, obj, form, change):
        try:
            moved = record_warning(obj.kind, obj.on, user=request.user, now=timezone.now())
        except UnableToRecord as error:
            messages.error(request, str(error))
        else:
            messages.info(request, f"{moved} request{'s' if moved != 1 else ''} dated anew.")
        obj.pk = WeatherWarning.objects.get(kind=obj.kind, on=obj.on).pk
