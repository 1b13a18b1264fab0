"""The names that Moodle and Canvas give to the files of students, and take them back by.

Moodle puts each student's files into a folder named after the student, the number of the participant and the plugin
that has the files: `Ruoxi Wu_123456_assignsubmission_file_/talk.m4a`; older versions, and an option, write all that
before the name of the file. Canvas writes the name of the student as one word, the number of the user and that of the
file before the name of the file: `wuruoxi_12345_67890_talk.m4a`, with `late_` before the numbers of what came late.
Feedback that is uploaded goes to the student with that number; the rest of a name may be anything.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.homework.filenames import RECORDING_ENDING

SchoolSystem = Literal["moodle", "canvas"]
SYSTEM_TITLES: dict[SchoolSystem, str] = {"moodle": "Moodle", "canvas": "Canvas"}
SYSTEMS: tuple[SchoolSystem, ...] = get_args(SchoolSystem)

# Moodle replaces every underscore in the names of students, so that the second part is the number.
MOODLE_PART = re.compile(r"([^_]*)_([0-9]+)_(assignsubmission|assignfeedback)_([a-z0-9]+)(_.*)?", re.DOTALL)
DIGITS = re.compile(r"[0-9]+")
CANVAS_NAME = re.compile(r"\w+")  # what Canvas leaves of a name: letters of any script, digits, underscores
LATE = "late"  # before the numbers of a file that came late
LINK = "link"  # how the last part of a link's name begins, which Canvas takes for no file
HIDDEN = ".~"  # how names begin that Moodle skips


@dataclass(frozen=True)
class SchoolFile:
    """A file of a student's, as a system names it.

    `number` is the system's own of the student; `student` their name, as far as the system writes it; `path` begins
    with the part that has the number.
    """

    system: SchoolSystem
    number: str
    student: str
    path: str


def parse_school_file(path: str) -> SchoolFile | None:
    """What the path of a file says, folders and ZIPs around it included; None if no system has named it."""
    parts = path.replace("\\", "/").split("/")
    for index, part in enumerate(parts):
        if match := MOODLE_PART.fullmatch(part):
            return SchoolFile("moodle", match[2], match[1].strip(), "/".join(parts[index:]))
    return parse_canvas_name(parts[-1])


def parse_canvas_name(name: str) -> SchoolFile | None:
    """The file with this name; None if it is not one of Canvas's.

    The first two parts that are nothing but digits are the numbers of the user and of the file.
    """
    parts = name.split("_")
    numbers = [index for index, part in enumerate(parts) if DIGITS.fullmatch(part)][:2]
    if len(numbers) < 2 or numbers[0] < 1 or numbers[1] != numbers[0] + 1 or numbers[1] == len(parts) - 1:
        return None
    before = parts[: numbers[0]]
    student = "_".join(before[:-1] if before[-1].lower() == LATE and len(before) > 1 else before)
    if not CANVAS_NAME.fullmatch(student) or student != student.lower() or parts[-1].startswith(LINK):
        return None
    return SchoolFile("canvas", parts[numbers[0]], student, name)


def feedback_path(file: SchoolFile, ending: str) -> str:
    """Where a system looks for feedback on the file: its own path, with the ending of the feedback, such as "wav"."""
    folder, slash, name = file.path.rpartition("/")
    if slash:
        name = name.lstrip(HIDDEN) or "answer"
    return f"{folder}{slash}{RECORDING_ENDING.sub('', name)}.{ending}"
