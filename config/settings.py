"""Every setting of the product, read from the environment; docs/operators.md lists them.

A variable that starts with SITROOM_ and is not known here stops the start, so that a typing error
cannot switch a protection off silently.
"""

import ipaddress
import os
import secrets
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent

SITROOM_SETTINGS = {
    "SITROOM_MAIL_FROM",
    "SITROOM_MAX_FILE_BYTES",
    "SITROOM_MAX_INCIDENT_BYTES",
    "SITROOM_OIDC_CLIENT_ID",
    "SITROOM_OIDC_CLIENT_SECRET",
    "SITROOM_OIDC_ISSUER",
    "SITROOM_OIDC_NAME",
    "SITROOM_TRUSTED_PROXY",
    "SITROOM_WEBHOOK_NETWORKS",
}
unknown = sorted(name for name in os.environ if name.startswith("SITROOM_") and name not in SITROOM_SETTINGS)
if unknown:
    raise ImproperlyConfigured(f"Unknown setting in the environment: {', '.join(unknown)}")

DEBUG = env.bool("DEBUG", False)
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def secret_key() -> str:
    """SECRET_KEY of the environment, else one that is made once and kept in DATA_DIR (mode 0600)."""
    given = env.str("SECRET_KEY", "")
    if given:
        return given
    kept = DATA_DIR / "secret-key"
    if not kept.exists():
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(50))
    return kept.read_text()


SECRET_KEY = secret_key()
BASE_URL = env.str("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = BASE_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [BASE_URL] if HTTPS else []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "guardian",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "accounts",
    "incidents",
]

MIDDLEWARE = [
    "config.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

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
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

if env.str("DATABASE_URL", ""):
    DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "sitroom.sqlite3"}}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # FULL: an acknowledged save survives a power cut. IMMEDIATE: the writer's lock is taken at once.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    options = DATABASES["default"].setdefault("OPTIONS", {})
    # Values travel apart from the statement, so that the server's log of a statement that fails quotes none.
    options["server_side_binding"] = True
    # What a connection asks often is planned once, which Django leaves off for the sake of poolers in between.
    options["prepare_threshold"] = 5
    # Whoever waits that long for somebody else's lock is told to try again, as on SQLite.
    options["options"] = f"-c lock_timeout=20s {options.get('options', '')}".strip()
DATABASES["default"]["CONN_MAX_AGE"] = 600
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.sessions.Accounts"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "incidents"
LOGOUT_REDIRECT_URL = "sign-in"

# Limits of attempts, and codes that were used, are kept in the database: several processes share them.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # with fewer, a flood of attempts would push out the counts
    }
}
TRUSTED_PROXY = env.bool("SITROOM_TRUSTED_PROXY", False)
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if TRUSTED_PROXY else 0  # 0: X-Forwarded-For is never believed
ACCOUNT_ADAPTER = "accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is proved before there is an account: by an invitation
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.tokens.ResetTokens"  # noqa: S105
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds
ACCOUNT_RATE_LIMITS = {  # attempts / time / for whom; accounts/throttling.py says what an account's key is
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reauthenticate": "10/5m/user",
    "reset_password": "20/m/ip,5/15m/key",
    "reset_password_from_key": "20/m/ip",
}
MFA_ADAPTER = "accounts.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Sitroom"
SOCIALACCOUNT_ADAPTER = "accounts.sso.SignOns"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS: dict = {}
if env.str("SITROOM_OIDC_ISSUER", ""):
    if not env.str("SITROOM_OIDC_ISSUER").startswith("https://") and not DEBUG:
        raise ImproperlyConfigured("SITROOM_OIDC_ISSUER must begin with https://")
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env.str("SITROOM_OIDC_NAME", "") or "single sign-on",
                "client_id": env.str("SITROOM_OIDC_CLIENT_ID"),
                "secret": env.str("SITROOM_OIDC_CLIENT_SECRET"),
                "settings": {"server_url": env.str("SITROOM_OIDC_ISSUER").rstrip("/")},
            }
        ],
    }

GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001"
]  # guardian stores the grants; it never decides (incidents/access.py)

PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
KNOWN_BROWSER_COOKIE_NAME = "known"
if HTTPS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known"
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"

EMAIL_CONFIG = env.dj_email_url("EMAIL_URL", "console:")
if "EMAIL_BACKEND" not in EMAIL_CONFIG:
    raise ImproperlyConfigured("EMAIL_URL starts with submission://, smtp:// or console:")
vars().update({name: value for name, value in EMAIL_CONFIG.items() if name.startswith("EMAIL_")})
EMAIL_TIMEOUT = EMAIL_CONFIG["EMAIL_TIMEOUT"] or 20  # seconds

DEFAULT_FROM_EMAIL = env.str("SITROOM_MAIL_FROM", "") or f"Sitroom <sitroom@{urlsplit(BASE_URL).hostname}>"

try:  # networks beside the public internet whose chat servers webhooks may call
    networks: list[str] = env.list("SITROOM_WEBHOOK_NETWORKS", [])
    WEBHOOK_NETWORKS = [ipaddress.ip_network(network) for network in networks]
except ValueError as fault:
    raise ImproperlyConfigured("SITROOM_WEBHOOK_NETWORKS lists networks such as 10.1.2.0/24") from fault

LANGUAGE_CODE = "en"
USE_TZ = True
# The default of Django 6; until then the setting itself warns that it will go.
FORMS_URLFIELD_ASSUME_HTTPS = True
warnings.filterwarnings("ignore", "The FORMS_URLFIELD_ASSUME_HTTPS transitional setting")
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILES_DIR = DATA_DIR / "files"
MAX_FILE_BYTES = env.int("SITROOM_MAX_FILE_BYTES", 100 * 2**20)
MAX_INCIDENT_BYTES = env.int("SITROOM_MAX_INCIDENT_BYTES", 2 * 2**30)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "config.logs.OneLine",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"sitroom": {"level": "INFO"}, "django": {"handlers": [], "level": "WARNING"}},
}
