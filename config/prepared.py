"""A question that is put at every request: Django builds and compiles it once, then only its values change.

Building a query costs Django several times what the database takes to answer it (docs/performance.md).
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Expression, Field, QuerySet
from django.db.models.query import RawQuerySet


class Later(Expression):
    """The place of a value that is given when the question is put."""

    def __init__(self, name: str, field: Field):
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler, connection) -> tuple[str, list]:
        return "%s", [self]


class Prepared:
    """A query whose `build` gets an expression for each named value, and gives the query in terms of them."""

    def __init__(self, build: Callable[..., QuerySet], **fields: Field):
        self.build = build
        self.places = {name: Later(name, field) for name, field in fields.items()}
        self.compiled: dict[str, tuple[QuerySet, str, tuple]] = {}

    def rows(self, **values) -> list[tuple]:
        """The rows as the database gives them, not converted."""
        _, sql, parameters = self._with(values)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def objects(self, **values) -> RawQuerySet:
        """Objects of the query's model, with its annotations as the database gives them."""
        queryset, sql, parameters = self._with(values)
        return queryset.model._default_manager.raw(sql, parameters)

    def _with(self, values: dict[str, Any]) -> tuple[QuerySet, str, list]:
        if connection.vendor not in self.compiled:
            queryset = self.build(**self.places)
            sql, parameters = queryset.query.get_compiler(connection=connection).as_sql()
            self.compiled[connection.vendor] = queryset, sql, parameters
        queryset, sql, parameters = self.compiled[connection.vendor]
        return queryset, sql, [_value(one, values) for one in parameters]


def _value(parameter, values: dict[str, Any]):
    if not isinstance(parameter, Later):
        return parameter
    return parameter.output_field.get_db_prep_value(values[parameter.name], connection)
