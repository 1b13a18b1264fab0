"""Segment lessons: a recording in, its turns out.  Run with: celery -A worker_segment.tasks worker -Q segment -c 1

This worker runs at a low priority, since people wait for the models while a lesson has time.
"""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from celery.signals import worker_process_init

from pipeline.celery_app import app
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import SEGMENT, Job
from pipeline.jobs.results import LessonSegments
from pipeline.settings import settings
from pipeline.worker.leases import Leases
from pipeline.worker.task import stage

if TYPE_CHECKING:
    from worker_segment.segmenter import Segmenter

log = logging.getLogger("waijiao")
TIME_LIMIT_S = settings().lesson_s
NICENESS = 10  # of 19: next to one busy worker on one core, it gets a tenth of the core instead of half
AUTOGROUP = Path("/proc/self/autogroup")  # where Linux shares cores among sessions first, `nice` alone has no effect


@app.task(name="segment.segment_lessons", soft_time_limit=TIME_LIMIT_S, time_limit=TIME_LIMIT_S + 10)
@stage(SEGMENT, "worker_segment.segmenter:Segmenter")
def segment_lessons(segmenter: "Segmenter", batch: list[Job], leases: Leases) -> list[LessonSegments | WaijiaoError]:
    """The turns of each lesson, all of them submitted as jobs."""
    return segmenter.segment(batch, leases.still_wanted)


@worker_process_init.connect
def lower_priority(**_: object) -> None:
    """Lower the priority of this process, a worker's child, and of the session that its worker leads."""
    os.nice(NICENESS)
    if os.getsid(0) != os.getppid() or not AUTOGROUP.exists():
        return  # the session is another program's, whose processes would be slowed down too
    try:
        AUTOGROUP.write_text(str(NICENESS))
    except OSError as error:  # for example when the kernel allows only ten changes a second
        log.warning("could not lower this session's priority; the worker competes with the models: %s", error.strerror)
