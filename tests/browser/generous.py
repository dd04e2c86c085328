"""The product as it is served, for one person who starts many incidents in a few minutes: the tests' commander."""

from config.asgi import application
from incidents import membership

__all__ = ["application"]

membership.AT_MOST = 10_000
