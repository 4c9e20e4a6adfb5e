from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = "Retention"

    def ready(self):
        from accounts import erased, portal_admin
        from accounts import recording_cap as customers
        from accounts.after_migrating import after_migrating
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
        after_migrating(guard.install_guards)
        customers.register(recording_cap.cap_days)
        after_migrating(recording_cap.install_caps)
        after_migrating(rules.make_rules)
        after_migrating(breaker.make_limits)
        after_migrating(recipients.make_recipients)
        after_migrating(laws.make_laws)
