"""Which fields of a request decide whether an earlier transcript of the same recording can be used again."""

from dataclasses import fields

from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import TRANSCRIPT_FIELDS

OTHER_FIELDS = {  # they change neither what is recognised nor who may see it; details["words"] is added by itself
    *("id", "session", "tenant", "recording", "text", "said", "voice", "speed", "format", "lane", "key", "webhook"),
    *("webhook_events", "metadata", "details", "assignment", "student", "pupil", "lesson", "due", "group", "hold"),
    *("retention_h", "page_language", "card", "practised", "keeps_recording"),
}


def test_every_field_of_a_request_is_part_of_the_key_or_named_as_irrelevant():
    assert {field.name for field in fields(JobRequest)} == {*TRANSCRIPT_FIELDS, *OTHER_FIELDS}
    assert not OTHER_FIELDS & set(TRANSCRIPT_FIELDS)
