"""Settings. Everything a site changes comes from the environment; the defaults run the whole product on a laptop."""

import os
import secrets
import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("DEALWRIGHT_VAR", BASE_DIR / "var"))
VAR_DIR.mkdir(parents=True, exist_ok=True)

# "demo" runs on loopback with demo data and a movable clock; "production" insists on real secrets and HTTPS.
MODE = os.environ.get("DEALWRIGHT_MODE", "demo")
PRODUCTION = MODE == "production"
DEBUG = False


def _secret_key() -> str:
    """The environment's key, or in demo mode one made once and kept beside the database."""
    key = os.environ.get("SECRET_KEY", "")
    if not key and PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY must be set in production mode.")
    path = VAR_DIR / "secret_key"
    if not key:
        if not path.exists():
            path.write_text(secrets.token_urlsafe(50))
            path.chmod(0o600)
        key = path.read_text().strip()
    return key


SECRET_KEY = _secret_key()
# Former keys, for signatures and encrypted secrets of before a change.
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key]

# The address customers reach us at: links in messages, the embed script, signatures of webhooks.
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# Links and pictures of mails to customers may have a domain of their own, which answers for nothing else.
LINK_URL = os.environ.get("LINK_URL", "").rstrip("/") or PUBLIC_URL
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
LINK_HOST = LINK_URL.split("//")[-1] if LINK_URL != PUBLIC_URL else ""
if LINK_HOST:
    ALLOWED_HOSTS.append(LINK_HOST.split(":")[0])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "crm",
    "automation",
    "documents",
    "crm.admin.DealwrightAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "crm.ground.static_files.Collected",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "auditlog",
    "django_q",
    "ninja",  # only for the files of its documentation page
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "crm.ground.access.AddressMiddleware",
    "crm.board.polling.PollingMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.account.audit.AuditMiddleware",
    "crm.ground.access.AudienceMiddleware",
    "crm.ground.access.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "crm.ground.template_loader.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.frame.views.context",
            ],
            "builtins": ["crm.templatetags.dealwright"],
        },
    }
]

# SQLite: IMMEDIATE takes the write lock at BEGIN (DEFERRED gives "database is locked" at once under two
# workers); a connection kept open makes enqueueing ten times faster (docs/performance.md).
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'dealwright.sqlite3'}", conn_max_age=None
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "crm.ground.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=134217728;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Compiling a question costs more than the answer: 270 of 580 ms of the funnel over 100 000 deals. A pooler that takes
    # no start-up options is told so by the address: ?options=
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "")
CACHES = {
    # Shared by all processes: what counts attempts to log in must not count per process.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Of each process: what is read on every page and may be some seconds old.
    "near": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# Only bells travel here (crm/work/queue.py). save_limit -1: anything above 0 locks every success row per task.
# bulk 1 and queue_limit = workers: a lock starts at dequeue, so a prefetched bell would be delivered twice.
WORKERS = int(os.environ.get("WORKERS", "2"))
Q_CLUSTER = {
    "name": "dealwright",
    "workers": WORKERS,
    "timeout": 120,
    "retry": 180,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": -1,
    "bulk": 1,
    "queue_limit": WORKERS,
    "poll": 0.1,
    "recycle": 5000,
    "log_level": "WARNING",
    "label": "Bells",
    "cache": "near",  # its heartbeats, twice a second
} | ({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"})

AUTH_USER_MODEL = "crm.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "crm.account.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # administrators make accounts; there is no sign-up
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"change_password": "crm.account.forms.ChangePassword"}
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "30/5m/ip,5/5m/key",
    "login_failed_all": "100/d/key",  # of one account from all addresses; known devices pass (crm/account/adapters.py)
    "reauthenticate": "5/5m/user",
    "change_password": "5/5m/user",
    "reset_password": "10/5m/ip,3/5m/key",
    "reset_password_from_key": "10/5m/ip",
}
AUDITLOG_MASK_CALLABLE = "crm.account.audit.hide"
MFA_ADAPTER = "crm.account.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Keys work over HTTPS and, for a demo on one's own machine, on http://localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pl", _("Polish")), ("fr", _("French")), ("vi", _("Vietnamese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "crm.ground.static_files.StaticFiles"},
}
MEDIA_ROOT = VAR_DIR / "media"

SESSION_COOKIE_NAME = "dealwright_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "crm.ground.access.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31536000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# Not even in frames of ours, but for a mail's body; a public form names its own sites by the CSP.
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
BEHIND_PROXY = PRODUCTION and bool(os.environ.get("BEHIND_PROXY"))
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# No inline code, no eval, no third party, on any page, admin included.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "frame-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}

# A form with a hundred fields and no files fits in 256 KiB; a larger body is refused before it is parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 262144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000  # five hundred lines of an item
# Files: a larger one is refused by its announced length, before anything of it is read.
UPLOAD_MAX_BYTES = int(os.environ.get("UPLOAD_MAX_BYTES", str(50 * 1024 * 1024)))
FILE_UPLOAD_HANDLERS = [
    "crm.ground.uploads.SizeLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Of processor time, for taking one mail apart.
MAIL_READ_SECONDS = int(os.environ.get("MAIL_READ_SECONDS", "10"))
# How long one worker may hold a row before another takes it over; seconds of real time.
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "60"))
# Below this /healthz says that the disk is full; MB.
LEAST_FREE_MB = int(os.environ.get("LEAST_FREE_MB", "200"))
# The watchdog restarts the workers when due work stood still for this long; seconds of real time.
HANG_SECONDS = float(os.environ.get("HANG_SECONDS", "60"))
WEB_THREADS = int(os.environ.get("WEB_THREADS", "4"))
WEB_WORKERS = int(os.environ.get("WEB_WORKERS", "1"))
# Sends from one public form and one address (an IPv6 /64 counts as one) within ten minutes.
FORM_LIMIT_PER_ADDRESS = int(os.environ.get("FORM_LIMIT_PER_ADDRESS", "10"))
STRIPE_BASE_URL = os.environ.get("STRIPE_BASE_URL", "https://api.stripe.com")
TWILIO_BASE_URL = os.environ.get("TWILIO_BASE_URL", "https://api.twilio.com")
# Other addresses of the mail services' interfaces, by their key: "postmark=http://…,brevo=…".
MAIL_SERVICE_URLS = dict(pair.split("=", 1) for pair in os.environ.get("MAIL_SERVICE_URLS", "").split(",") if pair)
# "host:port" of addresses inside our own network that webhooks may call all the same, also without HTTPS.
# Mail servers within the own network that channels and mailboxes may name: "relay.local" or "relay.local:25".
INSIDE_MAIL_HOSTS = [host for host in os.environ.get("INSIDE_MAIL_HOSTS", "").split(",") if host]
SAFE_HTTP_HOSTS = [host for host in os.environ.get("SAFE_HTTP_HOSTS", "").split(",") if host]
API_REQUESTS_A_MINUTE = int(os.environ.get("API_REQUESTS_A_MINUTE", "600"))
FORM_LIMIT_PER_FORM = int(os.environ.get("FORM_LIMIT_PER_FORM", "300"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "dealwright": {"level": "INFO"},
        "django-q": {"level": "WARNING", "handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},
    },
}

TESTING = "pytest" in sys.modules
