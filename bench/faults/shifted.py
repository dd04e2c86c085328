"""The application with a clock that is off by CLOCK_IS_OFF_BY seconds. Must be imported before the application."""

import os
from datetime import timedelta

from django.utils import timezone

OFF_BY = timedelta(seconds=float(os.environ["CLOCK_IS_OFF_BY"]))
right = timezone.now
timezone.now = lambda: right() + OFF_BY

from config.asgi import application  # noqa: E402, F401 (models take the clock when they are defined)
