"""The product's routes and one whose view breaks while it holds the words of an incident."""

from django.db import IntegrityError
from django.urls import path

from config import urls
from tests.room import canary


def broken(request):
    """What a database says about a row that it refuses, and what Python says about a value."""
    try:
        raise IntegrityError(f"DETAIL: Failing row contains (1, {canary('failing', 'row')}).")
    except IntegrityError as error:
        raise ValueError(f"invalid literal: {canary('invalid', 'literal')}") from error


urlpatterns = [*urls.urlpatterns, path("incidents/broken-page/now/broken/", broken)]
