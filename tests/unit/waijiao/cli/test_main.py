"""`waijiao --help` lists every command, in groups."""

from click.testing import CliRunner

from waijiao.cli.main import GROUPS, main


def test_every_command_is_in_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(main.commands)


def test_the_help_shows_the_groups_and_what_each_command_does():
    shown = CliRunner().invoke(main, ["--help"]).output
    positions = [shown.index(f"\n{heading}:\n") for heading in GROUPS]
    assert positions == sorted(positions)
    for name in main.commands:
        (line,) = [line for line in shown.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split()) > 3
