"""The requests about learners, as types."""

from pydantic import BaseModel, ConfigDict, Field


class ClipQuery(BaseModel):
    """Which word: the job in which it was said, and its number there."""

    model_config = ConfigDict(extra="forbid")

    job: str = Field(description="the id of a job", pattern="^[0-9a-f]{32}$")
    number: int = Field(description="an integer from 0 to 99", ge=0, le=99)
