"""Reads and writes stored records: each kind is a dataclass, which pydantic converts from and to JSON.

Fields that a dataclass does not have are ignored and fields with a default may be missing, so that an older version can
read what a newer one has written, and the other way round.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import BrokenRecord

log = logging.getLogger("waijiao")
T = TypeVar("T")
ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def adapter(record_type: type[T]) -> TypeAdapter[T]:
    """The adapter of a dataclass, built when it is first used."""
    if record_type not in ADAPTERS:
        ADAPTERS[record_type] = TypeAdapter(record_type)
    return ADAPTERS[record_type]


def read_json(record_type: type[T], text: str) -> T:
    """The record of a JSON text. Raises BrokenRecord."""
    try:
        return adapter(record_type).validate_json(text)
    except ValidationError as error:
        raise broken_record(record_type, error) from None


def read_fields(record_type: type[T], fields: Mapping[str, object]) -> T:
    """The record of fields that are stored one by one, as text or, where its dataclass says so, as JSON.

    Raises BrokenRecord.
    """
    try:
        return adapter(record_type).validate_python(fields)
    except ValidationError as error:
        raise broken_record(record_type, error) from None


def to_json(record: object) -> str:
    """The JSON text of a record. Raises ValueError or TypeError when a value is not of the type of its field."""
    return json.dumps(to_fields(record), ensure_ascii=False)


def to_fields(record: object) -> dict[str, Any]:
    """The fields of a record as JSON names them, those of the records in it as well."""
    fields: dict[str, Any] = adapter(type(record)).dump_python(record, by_alias=True, warnings="error")
    return fields


def broken_record(record_type: type[Any], error: ValidationError) -> BrokenRecord:
    """The error that says where a record is broken, without the values: they may be a learner's words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(map(str, first["loc"]))
    broken = BrokenRecord(f"The stored {record_type.__name__} cannot be read. {path or 'It'}: {first['msg']}.")
    log.error("%s", broken)
    return broken
