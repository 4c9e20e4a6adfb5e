import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.validators


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_access_log"),
        ("dsar", "0007_request_by_due"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("part", "Attached"), ("original", "The mail as it came")],
                        default="part",
                        max_length=8,
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="file name")),
                ("content_type", models.CharField(help_text="By its content, whatever its name says.", max_length=100)),
                ("said_type", models.CharField(blank=True, max_length=100, verbose_name="type it came with")),
                ("size", models.BigIntegerField(verbose_name="size (bytes)")),
                ("file_key", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="IntakeDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("nonce", models.CharField(max_length=64)),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("key", models.CharField(blank=True, max_length=64)),
                (
                    "digest",
                    models.BinaryField(
                        help_text="A keyed hash of what was said, to know the same message again.", null=True
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Being taken"),
                            ("taken", "Taken"),
                            ("again", "Came again"),
                            ("refused", "Refused"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("problem", models.CharField(blank=True, max_length=60)),
                ("ticket_reference", models.CharField(blank=True, max_length=20, verbose_name="ticket")),
                ("request_reference", models.CharField(blank=True, max_length=20, verbose_name="request")),
            ],
            options={
                "verbose_name": "message of a website form",
                "verbose_name_plural": "messages of website forms",
            },
        ),
        migrations.CreateModel(
            name="IntakeSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Stands in its address: /intake/<name>.",
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9-]*$", "Small letters, digits and hyphens; a letter first."
                            )
                        ],
                    ),
                ),
                ("secret", models.BinaryField(null=True)),
                ("secret_set_at", models.DateTimeField(editable=False, null=True, verbose_name="secret made")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="made"),
                ),
                ("retired_at", models.DateTimeField(editable=False, null=True, verbose_name="retired")),
            ],
            options={
                "verbose_name": "website form",
                "permissions": [("rotate_intakesource", "Can make a new secret for a website form, and retire it")],
            },
        ),
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("uid_validity", models.BigIntegerField(null=True)),
                ("next_uid", models.BigIntegerField(default=1)),
                ("checked_at", models.DateTimeField(null=True, verbose_name="last looked into")),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("problem_since", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "mailboxes",
            },
        ),
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("reply", "Answer in a ticket"),
                            ("letter", "Letter"),
                            ("code", "One-time code"),
                            ("notice", "Notice"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        blank=True, help_text="The reference of a request.", max_length=20, verbose_name="request"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "To be sent"),
                            ("sent", "Sent"),
                            ("failed", "Given up"),
                            ("undeliverable", "Undeliverable"),
                            ("closed", "Closed by hand"),
                        ],
                        default="queued",
                        max_length=13,
                    ),
                ),
                ("sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="written")),
                ("give_up_at", models.DateTimeField(verbose_name="tried until")),
                ("next_try_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("answer", models.CharField(blank=True, max_length=80, verbose_name="last answer")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("settled_at", models.DateTimeField(null=True, verbose_name="settled")),
            ],
            options={
                "verbose_name": "outgoing mail",
                "verbose_name_plural": "outgoing mail",
                "permissions": [("settle_outgoingmail", "Can send again and close outgoing mail")],
            },
        ),
        migrations.CreateModel(
            name="ReplyTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("zh-hant", "Traditional Chinese")], default="en", max_length=7
                    ),
                ),
                ("text", models.TextField()),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
            ],
        ),
        migrations.CreateModel(
            name="TakenMail",
            fields=[
                ("digest", models.BinaryField(primary_key=True, serialize=False)),
                ("taken_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="ticket",
            name="contact",
            field=models.CharField(
                blank=True,
                help_text="The e-mail address, or the telephone number, at which this person is answered.",
                max_length=254,
                validators=[accounts.validators.refuse_card_numbers],
                verbose_name="answers go to",
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="contact_name",
            field=models.CharField(
                blank=True, max_length=200, validators=[accounts.validators.refuse_card_numbers], verbose_name="name"
            ),
        ),
        migrations.AddField(
            model_name="ticketmessage",
            name="mail_id",
            field=models.CharField(blank=True, editable=False, max_length=255, verbose_name="Message-ID"),
        ),
        migrations.AddField(
            model_name="ticketmessage",
            name="remark",
            field=models.CharField(
                blank=True, editable=False, help_text="What the portal says about it.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="ticketmessage",
            name="sender",
            field=models.CharField(blank=True, editable=False, max_length=320, verbose_name="from"),
        ),
        migrations.AddField(
            model_name="ticketmessage",
            name="warning",
            field=models.CharField(
                blank=True,
                choices=[
                    ("lookalike", "The sender’s domain looks like ours and is not"),
                    ("named", "The sender’s name is one of our addresses, and the address is another one"),
                    ("unproved", "It says that it is from us, and nothing proves it"),
                    ("other", "Written from another address than the ticket’s"),
                ],
                editable=False,
                max_length=9,
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)), fields=["assignee", "opened_at"], name="ticket_open_of"
            ),
        ),
        migrations.AddIndex(
            model_name="ticketmessage",
            index=models.Index(
                condition=models.Q(("mail_id", ""), _negated=True), fields=["mail_id"], name="message_by_mail_id"
            ),
        ),
        migrations.AddField(
            model_name="attachment",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="dsar.ticketmessage"
            ),
        ),
        migrations.AddField(
            model_name="intakesource",
            name="account",
            field=models.OneToOneField(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="intakedelivery",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="dsar.intakesource"
            ),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="ticket",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="outgoing", to="dsar.ticket"
            ),
        ),
        migrations.AddConstraint(
            model_name="replytemplate",
            constraint=models.UniqueConstraint(fields=("name", "language"), name="reply_template_once"),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(fields=["message"], name="dsar_attach_message_e478f7_idx"),
        ),
        migrations.AddIndex(
            model_name="intakedelivery",
            index=models.Index(fields=["source", "received_at"], name="dsar_intake_source__d799f1_idx"),
        ),
        migrations.AddIndex(
            model_name="intakedelivery",
            index=models.Index(fields=["received_at"], name="dsar_intake_receive_1ec77a_idx"),
        ),
        migrations.AddConstraint(
            model_name="intakedelivery",
            constraint=models.UniqueConstraint(fields=("source", "nonce"), name="intake_nonce_once"),
        ),
        migrations.AddConstraint(
            model_name="intakedelivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "taken")), fields=("source", "key"), name="intake_key_taken_once"
            ),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="outgoing_to_send"
            ),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(fields=["state", "created_at"], name="outgoing_by_state"),
        ),
        migrations.AddIndex(
            model_name="outgoingmail",
            index=models.Index(fields=["settled_at"], name="outgoing_settled"),
        ),
        migrations.AddConstraint(
            model_name="outgoingmail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("next_try_at__isnull", False), ("settled_at__isnull", True), ("state", "queued")),
                    models.Q(
                        models.Q(("state", "queued"), _negated=True),
                        ("next_try_at__isnull", True),
                        ("settled_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="outgoing_queued_or_settled",
            ),
        ),
    ]
