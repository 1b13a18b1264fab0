"""What `waijiao models fetch teacher` says: this machine, the language models that fit it, and how to switch one on."""

from pathlib import Path

from rich.console import Console

from pipeline.errors import ConfigurationError
from pipeline.gpu.fractions import format_gb
from pipeline.model_files.machine import Machine
from pipeline.model_files.reach import Reach, is_present
from pipeline.model_files.teachers import Candidate, choose, choose_settings, teachers, weigh

NOTES = (
    '"alone" is what the model makes of sentences without the checker. With the checker, as by default, corrections '
    "are the same with every model, and only the questions are the model's own: docs/engines.md."
)
REACH_ADVICE = (
    "Name a mirror with HF_ENDPOINT or PIP_INDEX_URL, or fetch on another machine, copy its models folder here and run "
    "`waijiao models fetch teacher --from FOLDER`."
)


def choose_teacher(machine: Machine, folder: Path, start_from: Path | None, console: Console) -> Candidate:
    """The best teacher that fits the machine and can be reached; prints the machine, all of them, and why this one.

    It is the default language model where no larger one fits. Raises ConfigurationError where one would fit and none
    can be reached.
    """
    candidates = weigh(teachers(), machine, lambda model: is_present(model, folder))
    console.print(describe_machine(machine), markup=False)
    console.print("Asking where the models can be fetched from …", markup=False)
    reach = Reach(folder, start_from)
    larger = [each for each in candidates if not each.teacher.catalogue_entry.default]
    best = choose(larger, reach.can_reach)
    console.print("\n".join(["", *describe_candidates(candidates, best), "", NOTES]), markup=False)
    for source, reason in reach.failures.items():
        console.print(f"Cannot be reached: {source}: {reason}", markup=False)
    if best:
        console.print(f"Chosen: {describe_choice(best, reach)}", markup=False)
        return best
    default = candidates[-1]
    if any(not each.misfit for each in larger):
        name = default.teacher.model
        raise ConfigurationError(f"No larger model can be reached, so {name} stays. {REACH_ADVICE}")
    console.print(f"No larger model fits this machine: {default.teacher.model}, the default, stays.", markup=False)
    return default


def describe_machine(machine: Machine) -> str:
    names = (f"{gpu.name} with {format_gb(gpu.free)} free" for gpu in machine.gpus)
    gpus = ", ".join(names) or "no NVIDIA GPU"
    cores = f"{machine.cores} {'core' if machine.cores == 1 else 'cores'}"
    return f"This machine: {cores}, {format_gb(machine.memory)} of memory free, {gpus}, {format_gb(machine.disk)} disk."


def describe_candidates(candidates: list[Candidate], best: Candidate | None) -> list[str]:
    """Two lines for each teacher, the best first: whether it fits, and what was measured."""
    lines = []
    asked_already = True  # those before the best one were asked for, in vain
    for each in candidates:
        model = each.teacher.catalogue_entry
        if each is best:
            asked_already, state = False, "fits, the best that can be reached"
        elif model.default:
            state = "the default, runs anywhere"
        else:
            state = each.misfit or ("fits, but cannot be reached" if asked_already else "fits")
        lines += [f"- {each.teacher.display_name}, {format_gb(model.size)}: {state}", f"  {describe_quality(each)}"]
    return lines


def describe_quality(candidate: Candidate) -> str:
    """What was measured of the model without the checker and with it, or that nothing was."""
    teacher = candidate.teacher
    figures = [
        f"alone: {teacher.corrects}" if teacher.corrects else "",
        f"with the checker: {teacher.suggests}" if teacher.suggests else "",
        f"{teacher.answer_s:.1f} s of a core an answer" if teacher.answer_s is not None else "",
    ]
    return "; ".join(filter(None, figures)) or "not measured"


def describe_choice(best: Candidate, reach: Reach) -> str:
    teacher = best.teacher
    size = format_gb(teacher.catalogue_entry.size)
    return f"{teacher.display_name}, {size}, from {reach.sources[teacher.model]}."


def print_settings(candidate: Candidate, machine: Machine, console: Console) -> None:
    """The lines that switch the teacher on, to copy: nothing is written."""
    lines = ["To switch it on:", ""]
    if candidate.teacher.needs_gpu and not machine.has_torch:
        lines.append("make teachers    # torch and transformers, which this model needs")
    for name, value in choose_settings(candidate, machine).items():
        lines.append(f"export WAIJIAO_{name.upper()}={value}")
    console.print("\n".join([*lines, "waijiao up"]), markup=False)
