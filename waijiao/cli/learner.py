"""The `waijiao learner` commands: a learner's mistake ledger, its export, and the erasure of a learner."""

from pathlib import Path

import click

from pipeline.schemas.learners import ErasureReceipt, Ledger, LedgerFluency, LedgerKind
from pipeline.text.enumeration import pluralize
from waijiao.cli.console import handle_errors, stdout, url_option
from waijiao.client import Client
from waijiao.client.learners import ExportFormat

FORMATS: dict[str, ExportFormat] = {".csv": "csv", ".apkg": "apkg"}
learner_argument = click.argument("learner", metavar="LEARNER")


@click.group()
def learner() -> None:
    """What a learner gets wrong again and again; exports; erasure.

    LEARNER is an id: key-ID of a learner's key, session-NAME of a session without one, or student-… of homework. Each
    job has its learner's id, and so has the address of the page /ledger.
    """


@learner.command()
@learner_argument
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as JSON.")
@url_option
@handle_errors
def show(learner: str, as_json: bool, url: str | None) -> None:
    """Print the learner's mistakes by kind, and the words to listen to again."""
    with Client(url) as client:
        ledger = client.ledger(learner)
    if as_json:
        print(ledger.model_dump_json(by_alias=True))
    else:
        print_ledger(ledger)


def print_ledger(ledger: Ledger) -> None:
    if not (ledger.kinds or ledger.words or ledger.fluency):
        stdout.print("Nothing is known of this learner yet.")
    for kind in ledger.kinds:
        stdout.print(f"{kind.kind:<14}{pluralize(kind.count, 'time')}, {describe_mastery(kind, ledger)}", markup=False)
        for example in kind.examples[:1]:
            stdout.print(f"{'':<14}{example.heard} → {example.better}", markup=False)
    if words := [each.word for each in ledger.words if not each.mastered]:
        stdout.print(f"listen again: {', '.join(words)}", markup=False)
    if ledger.fluency:
        stdout.print(f"read aloud: {describe_fluency(ledger.fluency)}", markup=False)


def describe_fluency(fluency: LedgerFluency) -> str:
    """How many texts were read, and how many words a second; no mark."""
    texts, speed = pluralize(len(fluency.readings), "text"), fluency.figures["words_per_s"]
    if speed.mean is None:
        return f"{texts}; from {fluency.needed} on there is a mean"
    trend = "no clear trend" if speed.trend == "none" else str(speed.trend)
    return f"{texts}, {speed.mean:g} words a second, {trend} (middle half: {speed.low:g} to {speed.high:g})"


def describe_mastery(kind: LedgerKind, ledger: Ledger) -> str:
    if kind.mastered:
        return "mastered"
    return f"right on {kind.right_days} of {ledger.mastered_days} days" if kind.can_be_mastered else "not mastered"


@learner.command()
@learner_argument
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file: FILE.csv, a table, or FILE.apkg, cards for Anki with sound.",
)
@url_option
@handle_errors
def export(learner: str, out: Path, url: str | None) -> None:
    """Save the ledger as a table or as cards for Anki."""
    if out.suffix not in FORMATS:
        raise click.UsageError("--out must end in .csv or .apkg.")
    with Client(url) as client:
        out.write_bytes(client.export_ledger(learner, FORMATS[out.suffix]))
    stdout.print(f"saved: {out}", markup=False)


@learner.command()
@learner_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
@url_option
@handle_errors
def erase(learner: str, yes: bool, as_json: bool, url: str | None) -> None:
    """Erase everything of the learner: jobs, audio, ledger, logs of webhooks, names. It cannot be undone."""
    if not yes:
        click.confirm(f"Erase everything that is stored of {learner}?", abort=True)
    with Client(url) as client:
        receipt = client.erase_learner(learner)
    stdout.print(receipt.model_dump_json() if as_json else describe_receipt(receipt), markup=False)


def describe_receipt(receipt: ErasureReceipt) -> str:
    counts = {
        "job": receipt.records,
        "sound file": receipt.audio_files,
        "ledger entry": receipt.ledger_entries,
        "webhook log": receipt.webhook_logs,
        "class list": receipt.class_lists,
        "key name": receipt.key_names,
    }
    return "erased: " + ", ".join(
        f"{count} {thing if count == 1 else plural(thing)}" for thing, count in counts.items()
    )


def plural(thing: str) -> str:
    return f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
