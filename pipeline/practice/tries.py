"""All tries to say one sentence again: which is the best, which the last, and whose recordings are kept in homework."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.errors import Erased, UnknownJob
from pipeline.jobs.job import MAX_TRIES, Job
from pipeline.jobs.listing import list_tries
from pipeline.jobs.store import Jobs
from pipeline.practice.comparison import ComparedWord, ReadText, compare_words, rank, read_text, recognise_text
from pipeline.practice.sentence import PracticeSentence


@dataclass(frozen=True)
class JobTries:
    """The tries of a job to say `text`, oldest first, and how each that was recognised said it, by the id of its job.

    `first`: how it was said before it was corrected; None where nobody heard that.
    """

    text: str
    jobs: Sequence[Job]
    read_texts: Mapping[str, ReadText]
    first: ReadText | None = None

    @property
    def heard(self) -> list[Job]:
        return [job for job in self.jobs if job.id in self.read_texts]

    @property
    def best(self) -> Job | None:
        """The first one of those that said the most words, and said them most clearly."""
        return max(self.heard, key=lambda job: rank(self.read_texts[job.id]), default=None)

    @property
    def last(self) -> Job | None:
        return self.heard[-1] if self.heard else None

    @property
    def left(self) -> int:
        """How many more are accepted; one in which nothing was heard does not count."""
        return max(0, MAX_TRIES - sum(not job.error for job in self.jobs))

    @property
    def word_count(self) -> int:
        """How many words the sentence has."""
        return len(recognise_text(self.text, self.text).words_of_text)

    def count_said(self, job: Job) -> int:
        """How many words of the sentence were recognised in their places in a try, those that were not clear apart."""
        return sum(each.state == "said" for each in self.read_texts[job.id].words_of_text)

    def gives_up(self, job: Job) -> bool:
        """Whether this is a recognised try of homework, and neither the best nor the last one."""
        is_kept = job.id in {each.id for each in (self.best, self.last) if each}
        return job.request.keeps_recording and job.transcript is not None and not is_kept

    def number(self, job: Job) -> int:
        """The number of a try, from 1, among all of them."""
        return 1 + [each.id for each in self.jobs].index(job.id)

    def compare_with_first(self, job: Job) -> list[ComparedWord]:
        """The words of a recognised try, compared with what was said before any try, else with the first one."""
        earliest = self.heard[0]
        first = self.first or (self.read_texts[earliest.id] if earliest.id != job.id else None)
        return compare_words(first, self.read_texts[job.id])


def collect_tries(job: Job, sentence: PracticeSentence, try_jobs: Sequence[Job]) -> JobTries:
    """The tries of a sentence of `job`."""
    return JobTries(sentence.text, try_jobs, read_tries(try_jobs, sentence.text), read_first(job, sentence))


def read_tries(try_jobs: Sequence[Job], text: str) -> dict[str, ReadText]:
    return {each.id: read_text(each.transcript, text) for each in try_jobs if each.transcript}


def read_first(job: Job, sentence: PracticeSentence) -> ReadText | None:
    """How the sentence was said before it was corrected; None where words were typed, which nobody heard."""
    if job.transcript is None or job.request.said or job.request.text:
        return None
    if sentence.read:
        return ReadText(sentence.read, is_measured=True)
    return recognise_text(sentence.heard, sentence.text)


def find_needed_blobs(jobs: Jobs, name: str) -> set[str]:
    """The blobs that the job `tenant/id` still needs, as Jobs.blobs; no recording of a try that is given up."""
    blob_names = jobs.blobs(name)
    if blob_names and not jobs.settings.keep_recordings:
        with suppress(UnknownJob, Erased):
            job = jobs.get(*name.split("/"))
            return blob_names - {job.request.recording} if is_given_up(jobs, job) else blob_names
    return blob_names


def is_given_up(jobs: Jobs, job: Job) -> bool:
    """Whether this is a try whose recording is not kept, since others are the best and the last one."""
    request = job.request
    if not request.keeps_recording:
        return False
    (siblings,) = list_tries(jobs.redis, [f"{request.tenant}/{request.practised}"])
    text = str(request.details["text"])
    return JobTries(text, siblings, read_tries(siblings, text)).gives_up(job)
