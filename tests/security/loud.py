"""The product's settings with everything logged that a curious operator could switch on, and a page that breaks."""

from config.settings import *  # noqa: F403
from config.settings import LOGGING

LOGGING["root"]["level"] = "DEBUG"
LOGGING["loggers"] = {name: {"level": "DEBUG"} for name in ("sitroom", "django", "django.server")}
ROOT_URLCONF = "tests.security.loud_urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
