"""Reads and writes stored records: each kind is a dataclass, which pydantic converts from and to JSON.

Fields that a dataclass does not have are ignored and fields with a default may be missing, so that an older version can
read what a newer one has written, and the other way round.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import CoreConfig, SchemaValidator
from redis import Redis
from redis.exceptions import ResponseError

from pipeline.errors import BrokenRecord
from pipeline.timestamps import MAX_TIME_S, MIN_TIME_S

log = logging.getLogger("waijiao")
T = TypeVar("T")
U = TypeVar("U")
UnixTime = Annotated[float, Field(ge=0, le=MAX_TIME_S)]  # seconds, by Redis's clock
ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}
VALIDATORS: dict[type[Any], SchemaValidator] = {}


def clamp_time(seconds: object) -> object:
    """A stored date, which earlier versions did not limit, as the nearest one that can be shown."""
    return min(max(seconds, MIN_TIME_S), MAX_TIME_S) if isinstance(seconds, int | float) else seconds


def adapter(record_type: type[T]) -> TypeAdapter[T]:
    """The adapter of a dataclass, built when it is first used."""
    if record_type not in ADAPTERS:
        ADAPTERS[record_type] = TypeAdapter(record_type)
    return ADAPTERS[record_type]


def validator(record_type: type[Any]) -> SchemaValidator:
    """Reads a dataclass, and keeps no string of it: an adapter would keep 16,384, some of them learners' words."""
    if record_type not in VALIDATORS:
        VALIDATORS[record_type] = SchemaValidator(adapter(record_type).core_schema, CoreConfig(cache_strings="keys"))
    return VALIDATORS[record_type]


def read_json(record_type: type[T], text: str) -> T:
    """The record of a JSON text. Raises BrokenRecord."""
    try:
        return cast(T, validator(record_type).validate_json(text))
    except ValidationError as error:
        raise broken_record(record_type, error) from None


def read_fields(record_type: type[T], fields: Mapping[str, object]) -> T:
    """The record of fields that are stored one by one, as text or, where its dataclass says so, as JSON.

    Raises BrokenRecord.
    """
    try:
        return cast(T, validator(record_type).validate_python(fields))
    except ValidationError as error:
        raise broken_record(record_type, error) from None


def read_hashes(redis: "Redis", keys: Sequence[str]) -> list[dict[str, str] | None]:
    """The hash at each key, empty when there is none; None when the key has something else."""
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hgetall(key)
        answers = pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, ResponseError):
            raise answer
    return [None if isinstance(answer, Exception) else cast(dict[str, str], answer) for answer in answers]


def read_all(read: Callable[[T], U], stored: Iterable[T | None], where: str) -> list[U | None]:
    """What `read` makes of each stored record; None for one that cannot be read, or is None itself.

    The log says how many of the records of `where` these are.
    """
    results: list[U | None] = []
    for record in stored:
        try:
            results.append(None if record is None else read(record))
        except BrokenRecord:
            results.append(None)
    if broken_count := sum(result is None for result in results):
        log.error("%s of %s stored records of %s cannot be read and are left out.", broken_count, len(results), where)
    return results


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
