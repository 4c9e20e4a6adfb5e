from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = "Retention"

    def ready(self):
        from accounts import erased, portal_admin
        from accounts import recording_cap as customers
        from retention import (
            approved_actions,
            breaker,
            guard,
            laws,
            reconcile,
            recording_cap,
            rules,
            tombstones,
            visibility,
        )
        from retention.upstream import certificate, recipients

        approved_actions.register()
        reconcile.register()
        certificate.register()
        recipients.register()
        erased.register(tombstones.erased_people)
        portal_admin.HIDES.append(visibility.on_pages)
        post_migrate.connect(guard.install_guards, dispatch_uid="guards")
        customers.register(recording_cap.cap_days)
        post_migrate.connect(recording_cap.install_caps, dispatch_uid="caps")
        post_migrate.connect(rules.make_rules, dispatch_uid="rules")
        post_migrate.connect(breaker.make_limits, dispatch_uid="limits")
        post_migrate.connect(recipients.make_recipients, sender=self, dispatch_uid="recipients")
        post_migrate.connect(laws.make_laws, dispatch_uid="laws")
