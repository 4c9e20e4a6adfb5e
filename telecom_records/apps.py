from django.apps import AppConfig


class TelecomRecordsConfig(AppConfig):
    name = "telecom_records"
    verbose_name = "Records"
