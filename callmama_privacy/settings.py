"""Every setting of the portal, in one file.

Three modes (``PORTAL_MODE``): ``demo`` (default: embedded servers, invented people, secrets made at the first start
under ``var/secrets``), ``test`` (the suite) and ``production`` (everything named by the environment; refuses to start
otherwise, see ``callmama_privacy/safety.py``).
"""

import os
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from callmama_privacy import embedded, secrets_store

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

MODES = ("demo", "test", "production")
MODE = env.str("PORTAL_MODE", default="demo")
if MODE not in MODES:
    raise ImproperlyConfigured(f"PORTAL_MODE must be one of {', '.join(MODES)}, not “{MODE}”.")
DEMO = MODE == "demo"
PRODUCTION = MODE == "production"
VAR_DIR = Path(env.str("PORTAL_VAR", default=str(BASE_DIR / "var"))).resolve()
SOFTWARE = "callmama-privacy/0.1.0"  # written into the evidence of each deletion; the version is pyproject.toml's
DEBUG = env.bool("DEBUG", default=False)

# --- Secrets -----------------------------------------------------------------------------------------------------
# In production they come from the environment (or from a file named by SECRET_KEY_FILE / MASTER_KEY_FILE …); elsewhere
# they are random, made once and kept beside the data they protect.
if PRODUCTION:
    SECRET_KEY = env.str("SECRET_KEY", default="")
    MASTER_KEY = env.str("MASTER_KEY", default="")
    SIGNING_KEY = env.str("SIGNING_KEY", default="")
else:
    SECRET_KEY = env.str("SECRET_KEY", default="") or secrets_store.read_or_make(VAR_DIR / "secrets", "secret_key")
    MASTER_KEY = env.str("MASTER_KEY", default="") or secrets_store.read_or_make(VAR_DIR / "secrets", "master_key")
    SIGNING_KEY = env.str("SIGNING_KEY", default="") or secrets_store.read_or_make(VAR_DIR / "secrets", "signing_key")

# --- Keys of stored files (docs/decisions/0006-keys-and-their-backups.md) ---------------------------------------------
EPOCH_KEYS_ROOT = Path(env.str("EPOCH_KEYS_ROOT", default=str(VAR_DIR / "secrets" / "epochs")))
KEY_EPOCH_DAYS = env.int("KEY_EPOCH_DAYS", default=30)
KEY_EPOCHS_KEPT = env.int("KEY_EPOCHS_KEPT", default=2)
KEY_EPOCH_PENDING_DAYS = env.int("KEY_EPOCH_PENDING_DAYS", default=7)
if min(KEY_EPOCH_DAYS, KEY_EPOCHS_KEPT, KEY_EPOCH_PENDING_DAYS) < 1:
    raise ImproperlyConfigured("KEY_EPOCH_DAYS, KEY_EPOCHS_KEPT and KEY_EPOCH_PENDING_DAYS are whole numbers from 1.")

# --- Servers -----------------------------------------------------------------------------------------------------
EMBEDDED = embedded.addresses(VAR_DIR)
DATABASE_URL = env.str("DATABASE_URL", default="")
BROKER_URL = env.str("BROKER_URL", default="")
DATABASES = {"default": embedded.database_settings(DATABASE_URL, EMBEDDED)}
KEYSTORE_URL = env.str("KEYSTORE_URL", default="")  # a database of its own for keys; empty: the same one
KEYSTORE_DATABASE = "keystore" if KEYSTORE_URL else "default"
if KEYSTORE_URL:
    DATABASES["keystore"] = embedded.database_settings(KEYSTORE_URL, EMBEDDED)
for database in DATABASES.values():
    database.setdefault("OPTIONS", {}).setdefault("application_name", "callmama-privacy")
    database["CONN_MAX_AGE"] = 60
    database["CONN_HEALTH_CHECKS"] = True
DATABASE_ROUTERS = ["accounts.key_store.KeyStoreRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Web ---------------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "callmama_privacy.urls"
WSGI_APPLICATION = "callmama_privacy.wsgi.application"

INSTALLED_APPS = [
    "callmama_privacy",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "csp",
    "axes",
    "django_htmx",
    "import_export",
    "django_celery_beat",
    "accounts",
    "retention",
    "telecom_records",
    "dsar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "callmama_privacy.middleware.NoNulBytes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "callmama_privacy.middleware.Sealed",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "callmama_privacy.middleware.PrivatePages",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "callmama_privacy.context.portal_notices",
            ],
        },
    },
]

PAGE_FACTS_SECONDS = 0 if MODE == "test" else env.int("PAGE_FACTS_SECONDS", default=10)  # notices and counts of a page

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
FILES_URL = env.str("FILES_URL", default="")  # s3://bucket/prefix?endpoint=…; empty: the folder FILES_ROOT
FILES_ROOT = Path(env.str("FILES_ROOT", default=str(VAR_DIR / "files")))
# Files that only grow, for the day on which the database cannot be believed; best on another disk or machine.
EVIDENCE_ORIGIN = env.str("EVIDENCE_ORIGIN", default=f"callmama-privacy/{MODE}")  # the log's name, for life; no spaces
OUTSIDE_ROOT = Path(env.str("OUTSIDE_ROOT", default=str(VAR_DIR / "outside")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR_DIR / "uploads"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "incoming"  # of its own, so that what a killed process leaves is swept
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# --- Sign-in and sessions ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PROXY_COUNT = env.int("PROXY_COUNT", default=0)  # proxies in front that set X-Forwarded-For and X-Forwarded-Proto
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
AXES_FAILURE_LIMIT = 5
AXES_USERNAME_CALLABLE = "accounts.sign_in.tried_account"
AXES_CLIENT_IP_CALLABLE = "accounts.sign_in.client_address"
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_VERBOSE = False

SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_COUNT else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    },
}

# --- Imports and exports of customers ------------------------------------------------------------------------------
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "add"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_TMP_STORAGE_CLASS = "accounts.previews.SealedPreview"

# --- Language and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Hong_Kong")
COUNTRY = env.str(
    "PORTAL_COUNTRY", default="HK"
)  # where staff dial: of numbers that they look for without their country
FORMAT_MODULE_PATH = ["callmama_privacy.formats"]

# --- Work in the background ----------------------------------------------------------------------------------------
# Measured: without acks_late and reject_on_worker_lost a killed worker loses its task; the rows' leases repair the rest.
CELERY_BROKER_URL = BROKER_URL or EMBEDDED.broker_url
CELERY_IMPORTS = ["dsar.packages.tasks", "telecom_records.watching.tasks"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_TASK_TIME_LIMIT = 60
CELERY_VISIBILITY_TIMEOUT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "accounts": {"level": "INFO"},
        "retention": {"level": "INFO"},
        "telecom_records": {"level": "INFO"},
        "dsar": {"level": "INFO"},
    },
}

# --- Retention ---------------------------------------------------------------------------------------------------
RETENTION_BATCH_ROWS = env.int("RETENTION_BATCH_ROWS", default=20_000)
TRAFFIC_FLOOR = env.int("TRAFFIC_FLOOR", default=10)  # customers behind every anonymous figure; under 10 counts as 10
RETENTION_TICK_SECONDS = env.int("RETENTION_TICK_SECONDS", default=15)
BACKUP_DAYS = env.int("BACKUP_DAYS", default=35)  # how long a backup of the database lives; stands on each certificate

# --- Call record files that other systems put somewhere (docs/watched-folders.md) -----------------------------------
WATCH_FOLDER = env.str("WATCH_FOLDER", default="")  # <folder>/<source>/<file>
WATCH_S3 = env.str("WATCH_S3", default="")  # s3://bucket/prefix?endpoint=…, as FILES_URL: <prefix>/<source>/<file>
WATCH_SECONDS = env.int("WATCH_SECONDS", default=30)  # between two looks
WATCH_LARGEST_BYTES = env.int("WATCH_LARGEST_BYTES", default=2 * 1024**3)
WATCH_REFUSED_DAYS = env.int("WATCH_REFUSED_DAYS", default=7)  # for how long a refused file is kept there
WATCH_DONE_DAYS = env.int("WATCH_DONE_DAYS", default=0)  # for how long an imported one is; 0: not at all
# --- Recordings ----------------------------------------------------------------------------------------------------
RECORDING_LARGEST_BYTES = env.int("RECORDING_LARGEST_MB", default=200) * 1024 * 1024  # of one sound that comes in

# --- Packages for data subjects: two letters of ISO 3166 each -------------------------------------------------------
PACKAGE_CALLERS_SHOWN_FROM = env.list("PACKAGE_CALLERS_SHOWN_FROM", default=[])  # whose law lets callers be shown
PACKAGE_DIALLED_HIDDEN_IN = env.list("PACKAGE_DIALLED_HIDDEN_IN", default=[])  # whose law hides dialled numbers

# --- Telling recipients outside, and mail --------------------------------------------------------------------------
PORTAL_URL = env.str("PORTAL_URL", default="")  # where recipients reach the portal: https://privacy.example.com
UPSTREAM_PLAIN_HTTP = not PRODUCTION  # in production, webhooks are https only
UPSTREAM_PRIVATE_ADDRESSES = env.bool("UPSTREAM_PRIVATE_ADDRESSES", default=False)  # webhooks inside our own network
UPSTREAM_MAIL_DOMAIN = env.str("UPSTREAM_MAIL_DOMAIN", default="callmama.invalid")  # of Message-IDs
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MAIL_FROM", default="Callmama privacy office <privacy@callmama.invalid>")
# EMAIL_URL=smtp+tls://user:password@mail.example.com:587; without it mail goes to files, in production to localhost
if PRODUCTION or env.str("EMAIL_URL", default=""):
    mail_settings = env.email_url("EMAIL_URL", default="smtp://localhost:25")
    vars().update({name: value for name, value in mail_settings.items() if name.startswith("EMAIL_")})
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 15
SMS_FILE_PATH = VAR_DIR / "sms"
SMS_GATEWAY = env.str("SMS_GATEWAY", default="dsar.sms.NoGateway" if PRODUCTION else "dsar.sms.FileGateway")
# Mailboxes that are read: imaps://user:password@mail.example.com/INBOX?after=delete,… (after=flag leaves mails on the server)
MAIL_IN = env.list("MAIL_IN", default=[])
MAIL_OFFICIAL = env.list("MAIL_OFFICIAL", default=["support@callmama.com", "info@callmama.com"])  # policy § 12, § 13
MAIL_AUTH_SERVER = env.str("MAIL_AUTH_SERVER", default="")  # whose Authentication-Results are believed (RFC 8601)
MAIL_PARSE_BYTES = env.int("MAIL_PARSE_BYTES", default=32 * 1024 * 1024)  # a larger mail is kept whole, not taken apart
MAIL_LARGEST_BYTES = env.int("MAIL_LARGEST_BYTES", default=128 * 1024 * 1024)  # of a larger one, the beginning

from callmama_privacy.unfold_settings import UNFOLD  # noqa: E402, F401

if MODE == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs an event loop.

CELERY_BEAT_SCHEDULE = {
    "Find what is due": {"task": "retention.tasks.find_due", "schedule": RETENTION_TICK_SECONDS},
    "Tell recipients": {"task": "retention.tasks.tell_recipients", "schedule": RETENTION_TICK_SECONDS},
    "Fetch mail": {"task": "dsar.tasks.fetch_mail", "schedule": 60},
    "Send mail": {"task": "dsar.tasks.send_mail", "schedule": RETENTION_TICK_SECONDS},
    "Carry on packages": {"task": "dsar.packages.tasks.carry_on_packages", "schedule": RETENTION_TICK_SECONDS},
    "Carry on imports": {"task": "telecom_records.tasks.carry_on_imports", "schedule": RETENTION_TICK_SECONDS},
    "Look at watched folders": {"task": "telecom_records.watching.tasks.look_at_watched", "schedule": WATCH_SECONDS},
    "Compare files with their rows": {"task": "retention.tasks.compare_files", "schedule": 3600},
    "Change the epoch of the keys": {"task": "accounts.tasks.keep_epochs", "schedule": 3600},
    "Write checkpoints outside": {"task": "accounts.tasks.write_checkpoint", "schedule": 30},
    "Sweep what uploads left": {"task": "accounts.tasks.sweep_uploads", "schedule": 600},
    "Close months of traffic": {"task": "telecom_records.tasks.close_traffic_months", "schedule": 3600},
    "Carry on requests": {"task": "dsar.tasks.carry_on", "schedule": RETENTION_TICK_SECONDS},
    "Look at requests once a day": {"task": "dsar.tasks.look_at_all", "schedule": 3600},
    "Look for the calls of recordings": {"task": "telecom_records.tasks.match_recordings", "schedule": 60},
    "Make the months ahead": {"task": "telecom_records.tasks.make_months_ahead", "schedule": 600},
}
