"""Takes each mechanism out of a copy of the project and demands that the test named for it fails.

Run with: python tests/faults/mutants.py [NAME …]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2  # mutants
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "benchmarks", "docs", "deploy", "examples")
JOBS, REPEATS, ENDING = "tests/redis/test_jobs.py", "tests/redis/test_repeats.py", "tests/redis/test_ending.py"
SWEEP, PARTS = "tests/redis/test_sweep.py", "tests/redis/test_parts.py"
WEBHOOKS, GUARD = "tests/redis/test_webhooks.py", "tests/unit/test_webhook_guard.py"
KEYS, ACCESS = "tests/redis/test_keys.py", "tests/redis/test_access.py"
BOUNDS, LEASES, BLOBS = "tests/redis/test_bounds.py", "tests/redis/test_leases.py", "tests/unit/test_blobs.py"
HOLDING, LANES = "tests/redis/test_holding.py", "tests/redis/test_lanes.py"
HANDED_IN, SEGMENTING = "tests/redis/test_handed_in.py", "tests/redis/test_cutting_again.py"

CLIENT, CLIENT_FAULTS = "tests/served/test_client.py", "tests/served/test_client_faults.py"


@dataclass(frozen=True)
class Mutant:
    """A mechanism: the exact text in `file` that makes it, what stands there without it, the test that must fail."""

    name: str
    file: str
    text: str
    without: str
    test: str


MUTANTS = [
    Mutant(
        "the fence",
        "pipeline/jobs/scripts/lib.lua",
        " and get(job, 'fence') == fence",
        "",
        f"{JOBS}::test_a_stale_fence_is_refused",
    ),
    Mutant(
        "the lease",
        "pipeline/jobs/scripts/sweep.lua",
        "redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', NOW, 'LIMIT', 0, most)",
        "{}",
        f"{SWEEP}::test_the_sweep_takes_back_expired_leases_and_rings_for_them",
    ),
    Mutant(
        "the heartbeat",
        "pipeline/worker/task.py",
        "jobs.renew(stage, batch)",
        "[]",
        f"{LEASES}::test_work_that_takes_longer_than_a_lease_is_not_taken_back",
    ),
    Mutant(
        "the deadline",
        "pipeline/jobs/scripts/sweep.lua",
        "redis.call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', NOW, 'LIMIT', 0, most)",
        "{}",
        f"{SWEEP}::test_the_sweep_ends_jobs_past_their_deadline",
    ),
    Mutant(
        "the missing bells",
        "pipeline/jobs/scripts/sweep.lua",
        "if missing > 0 then",
        "if false then",
        f"{SWEEP}::test_the_sweep_rings_only_the_bells_that_are_missing",
    ),
    Mutant(
        "no bell more than is missing",
        "pipeline/jobs/scripts/sweep.lua",
        " - redis.call('LLEN', ARGV[i + 1])",
        "",
        f"{SWEEP}::test_with_ten_thousand_jobs_waiting_the_sweep_multiplies_no_message",
    ),
    Mutant(
        "the turn gate",
        "pipeline/jobs/scripts/lib.lua",
        "if first and first ~= job then",
        "if false then",
        f"{JOBS}::test_later_turns_wait_for_the_earlier_ones_before_the_language_model",
    ),
    Mutant(
        "the gate opens",
        "pipeline/jobs/scripts/lib.lua",
        "if following and get(following, 'phase') == 'held'",
        "if false and get(following, 'phase') == 'held'",
        f"{JOBS}::test_a_failed_turn_lets_the_next_one_pass",
    ),
    Mutant(
        "the attempts' cap",
        "pipeline/jobs/scripts/lib.lua",
        ">= tonumber(attempts) then",
        ">= math.huge then",
        f"{JOBS}::test_a_dead_child_s_work_is_taken_back_by_the_next_child",
    ),
    Mutant(
        "what was tried before is claimed alone",
        "pipeline/jobs/scripts/claim.lua",
        "and not alone do",
        "do",
        f"{JOBS}::test_a_job_that_was_tried_before_is_claimed_alone_so_that_it_takes_no_other_with_it",
    ),
    Mutant(
        "a batch ends before what was tried before",
        "pipeline/jobs/scripts/claim.lua",
        "if alone and #batch > 0 then",
        "if false then",
        f"{JOBS}::test_a_batch_ends_before_a_job_that_was_tried_before",
    ),
    Mutant(
        "an orderly stop costs no attempt",
        "pipeline/jobs/scripts/release.lua",
        "redis.call('HINCRBY', key(job), 'attempts:' .. get(job, 'stage'), -1)",
        "",
        f"{JOBS}::test_a_worker_that_always_hands_back_never_wears_a_job_out",
    ),
    Mutant(
        "the Idempotency-Key",
        "pipeline/jobs/scripts/submit.lua",
        "local first = repeated and redis.call('HGET', repeated, 'job')",
        "local first = nil",
        f"{REPEATS}::test_twenty_requests_at_once_with_one_key_are_one_job",
    ),
    Mutant(
        "the request's fingerprint",
        "pipeline/jobs/scripts/submit.lua",
        "redis.call('HGET', repeated, 'fingerprint') == terms.fingerprint",
        "true",
        f"{REPEATS}::test_another_request_with_the_same_key_is_refused_and_writes_nothing",
    ),
    Mutant(
        "a submission's known id",
        "pipeline/jobs/scripts/submit.lua",
        "if redis.call('HEXISTS', key(job), 'stages') == 1 then",
        "if false then",
        f"{REPEATS}::test_the_whole_road_said_twice_is_walked_once",
    ),
    Mutant(
        "a claim's token",
        "pipeline/jobs/scripts/claim.lua",
        "get(job, 'claim') == token",
        "false",
        f"{REPEATS}::test_a_claim_said_twice_leases_what_it_would_have_leased_and_counts_one_attempt",
    ),
    Mutant(
        "a completion's mark",
        "pipeline/jobs/scripts/complete.lua",
        "if get(job, 'done') == mark then",
        "if false then",
        f"{REPEATS}::test_the_whole_road_said_twice_is_walked_once",
    ),
    Mutant(
        "a cancel's mark",
        "pipeline/jobs/scripts/lib.lua",
        "if alive(job) then\n    finish",
        "if not alive(job) then return false else\n    finish",
        f"{REPEATS}::test_a_cancel_said_twice_has_canceled",
    ),
    Mutant(
        "the bounds",
        "pipeline/jobs/scripts/submit.lua",
        "redis.call('ZCARD', line) >= terms['most_' .. who]",
        "false",
        f"{BOUNDS}::test_a_full_server_accepts_nothing_until_a_job_ends",
    ),
    Mutant(
        "nothing is written before the bounds are known",
        "pipeline/jobs/scripts/submit.lua",
        "local session_name = fields.tenant",
        "redis.call('INCR', P .. 'accepted')\nlocal session_name = fields.tenant",
        f"{BOUNDS}::test_a_full_server_accepts_nothing_until_a_job_ends",
    ),
    Mutant(
        "what has ended never changes",
        "pipeline/jobs/scripts/lib.lua",
        " and not get(job, 'ended_at')",
        "",
        f"{ENDING}::test_a_job_that_has_ended_cannot_be_canceled",
    ),
    Mutant(
        "a cancel breaks the lease",
        "pipeline/jobs/scripts/lib.lua",
        "local function unlist(job)\n  unlease(job)",
        "local function unlist(job)",
        f"{ENDING}::test_a_canceled_job_is_no_longer_its_worker_s",
    ),
    Mutant(
        "starting over cancels what is not answered",
        "pipeline/jobs/scripts/reset.lua",
        "not again and cancel(job, detail, call)",
        "false",
        f"{ENDING}::test_starting_over_wins_over_an_answer_that_is_on_its_way",
    ),
    Mutant(
        "an erasure removes the record",
        "pipeline/jobs/scripts/lib.lua",
        "redis.call('DEL', key(job), P .. 'progress:' .. job, P .. 'children:' .. job, P .. 'parts:' .. job)",
        "",
        f"{ENDING}::test_erasing_a_session_wins_over_an_answer_that_is_on_its_way",
    ),
    Mutant(
        "a blob's own name",
        "pipeline/blob_store.py",
        "secrets.token_hex(8)",
        '"answer"',
        f"{BLOBS}::test_no_blob_is_ever_overwritten",
    ),
    Mutant(
        "a lease is renewed while the memory is full",
        "pipeline/jobs/scripts/renew.lua",
        "redis.call('ZREM', P .. 'leases', ARGV[i])",
        "",
        f"{BOUNDS}::test_accepted_work_goes_on_while_the_memory_is_full",
    ),
    Mutant(
        "a canceled answer is spoken no further",
        "worker_tts/speaker.py",
        "if self.sentences and not wanted(self.job):",
        "if False:",
        f"{PARTS}::test_a_canceled_job_is_given_up_between_two_sentences",
    ),
    Mutant(
        "a refused answer's sentences go with it",
        "pipeline/worker/task.py",
        "in outcome.blobs:",
        "in (outcome.blob,):",
        f"{PARTS}::test_a_second_attempt_s_sentences_do_not_mix_with_the_first_s",
    ),
    Mutant(
        "what is told has no hole",
        "pipeline/worker/partial_results.py",
        "self.given_up.add(job.name)",
        "",
        "tests/redis/test_telling.py::test_without_redis_nobody_waits_and_what_was_told_has_no_hole",
    ),
    Mutant(
        "an event becomes a delivery",
        "pipeline/jobs/scripts/lib.lua",
        "redis.call('ZADD', due, NOW, name)",
        "",
        f"{WEBHOOKS}::test_the_change_itself_rings_for_the_delivery_and_the_sweep_for_a_lost_bell",
    ),
    Mutant(
        "a delivery's lease",
        "pipeline/jobs/scripts/deliver.lua",
        "redis.call('ZADD', due, NOW + lease, name)",
        "",
        f"{WEBHOOKS}::test_a_worker_that_dies_leaves_its_deliveries_to_the_next",
    ),
    Mutant(
        "a delivery's fence",
        "pipeline/jobs/scripts/delivered.lua",
        "if redis.call('HGET', delivery, 'tried') ~= tried then return { 0 } end",
        "",
        f"{WEBHOOKS}::test_a_worker_that_dies_leaves_its_deliveries_to_the_next",
    ),
    Mutant(
        "a receiver's share",
        "pipeline/jobs/scripts/deliver.lua",
        "elseif (busy[host] or 0) < tonumber(most_host) then",
        "else",
        f"{WEBHOOKS}::test_of_one_host_only_so_many_are_told_at_once",
    ),
    Mutant(
        "every address of a webhook is judged",
        "worker_maintenance/safe_http.py",
        "if not all(self.is_allowed(address) for address in addresses):",
        "if not any(self.is_allowed(address) for address in addresses):",
        f"{GUARD}::test_one_forbidden_address_among_public_ones_is_enough_to_refuse",
    ),
    Mutant(
        "the judged address is connected to",
        "worker_maintenance/safe_http.py",
        "connect_tcp(address, port, seconds_left(self.deadline))",
        "connect_tcp(host, port, seconds_left(self.deadline))",
        f"{GUARD}::test_a_name_is_looked_up_once_and_the_checked_address_connected_to",
    ),
    Mutant(
        "a key's rate",
        "pipeline/jobs/scripts/submit.lua",
        "if paid - NOW > 60.001 then",
        "if false then",
        f"{KEYS}::test_a_key_may_submit_so_many_jobs_at_once_and_then_one_each_so_often",
    ),
    Mutant(
        "a key's minutes",
        "pipeline/jobs/scripts/complete.lua",
        "if whose and tonumber(heard) > 0 then",
        "if false then",
        f"{KEYS}::test_the_minutes_of_a_day_are_those_heard_and_refuse_only_recordings",
    ),
    Mutant(
        "a revoked key",
        "pipeline/api_keys.py",
        ' and "revoked_at" not in record',
        "",
        f"{KEYS}::test_a_revoked_key_opens_nothing_and_is_still_listed",
    ),
    Mutant(
        "an owner's jobs",
        "pipeline/jobs/store.py",
        'if owner and found.get("owner") != owner',
        "if False",
        f"{KEYS}::test_an_owner_finds_its_own_jobs_only_erased_ones_too",
    ),
    Mutant(
        "the least role of a route",
        "api/auth.py",
        "if least is None or ROLES.index(here.caller().role) < ROLES.index(least):",
        "if False:",
        f"{ACCESS}::test_everybody_may_do_what_the_table_says_and_sees_only_what_is_theirs",
    ),
    Mutant(
        "pages of other sites",
        "api/auth.py",
        "raise ForeignOrigin",
        "pass",
        f"{ACCESS}::test_a_page_of_another_site_may_do_nothing",
    ),
    Mutant(
        "the client's Idempotency-Key",
        "waijiao/client/jobs.py",
        "headers=headers, form=form_values(fields), recording=opener)",
        "form=form_values(fields), recording=opener)",
        f"{CLIENT_FAULTS}::test_a_connection_that_breaks_in_the_answer_to_a_submission_makes_one_job",
    ),
    Mutant(
        "the client erases only once",
        "waijiao/client/base.py",
        'Request("DELETE", path, query, repeatable=False)',
        'Request("DELETE", path, query)',
        f"{CLIENT_FAULTS}::test_a_connection_that_breaks_in_the_answer_to_an_erasure_is_not_asked_again",
    ),
    Mutant(
        "the client waits for a server that was there",
        "waijiao/client/transport.py",
        "return self.server.was_reached",
        "return False",
        f"{CLIENT_FAULTS}::test_a_server_that_is_killed_and_comes_back_is_waited_for",
    ),
    Mutant(
        "so many recordings at once",
        "waijiao/client/concurrent.py",
        "asyncio.Semaphore(at_once)",
        "asyncio.Semaphore(99)",
        f"{CLIENT}::test_at_once_jobs_run_at_a_time_and_no_more",
    ),
    Mutant(
        "a lesson goes on when its last turn has ended",
        "pipeline/jobs/scripts/lib.lua",
        " then ready(lesson) end",
        " then end",
        f"{HOLDING}::test_a_lesson_waits_for_all_of_its_turns_and_is_then_summed_up_and_spoken",
    ),
    Mutant(
        "a lesson goes on when none of its turns is left",
        "pipeline/jobs/scripts/lib.lua",
        "if stage == 'parts' and redis.call('EXISTS', P .. 'parts:' .. job) == 0 then",
        "if false then",
        f"{HOLDING}::test_turns_that_are_done_before_the_last_is_submitted_let_the_lesson_go_on_at_once",
    ),
    Mutant(
        "a lesson's end is its turns' end",
        "pipeline/jobs/scripts/lib.lua",
        "    if alive(turn) then\n      finish(turn",
        "    if false then\n      finish(turn",
        f"{HOLDING}::test_a_lesson_that_is_canceled_takes_its_turns_with_it",
    ),
    Mutant(
        "an erasure of a lesson takes its turns",
        "pipeline/jobs/scripts/lib.lua",
        "if redis.call('HEXISTS', key(turn), 'stages') == 1 then forget(turn, tombstone_s) end",
        "",
        f"{HOLDING}::test_a_lesson_that_is_erased_takes_every_word_of_its_turns_with_it",
    ),
    Mutant(
        "a turn that was erased by itself",
        "pipeline/jobs/scripts/lib.lua",
        "if redis.call('HEXISTS', key(turn), 'stages') == 1 then forget(turn, tombstone_s) end",
        "forget(turn, tombstone_s)",
        f"{HOLDING}::test_a_lesson_can_be_erased_after_one_of_its_turns_was",
    ),
    Mutant(
        "an ended lesson takes no more turns",
        "pipeline/jobs/scripts/submit.lua",
        "if fields.lesson and not alive(fields.lesson) then",
        "if false then",
        f"{HOLDING}::test_a_turn_that_is_submitted_twice_is_one_and_after_the_lesson_s_end_none",
    ),
    Mutant(
        "only what is held is released",
        "pipeline/jobs/scripts/review.lua",
        " or get(job, 'stage') ~= 'hold'",
        "",
        f"{HOLDING}::test_only_what_is_held_can_be_reviewed",
    ),
    Mutant(
        "a held answer waits for the teacher",
        "pipeline/jobs/scripts/lib.lua",
        "if WAITING[stage] then return wait(job, stage) end",
        "",
        f"{HOLDING}::test_an_answer_that_is_to_be_held_waits_unspoken_until_it_is_released",
    ),
    Mutant(
        "what is only written down is not taken over",
        "pipeline/jobs/store.py",
        ' if "llm" in question.stages else None',
        "",
        f"{HOLDING}::test_what_another_says_in_a_lesson_that_is_left_again_is_written_down_again",
    ),
    Mutant(
        "what is due first is done first",
        "pipeline/jobs/scripts/submit.lua",
        "math.floor(due / 60) * MINUTE",
        "0",
        f"{LANES}::test_what_is_due_first_is_done_first_whenever_it_came",
    ),
    Mutant(
        "classes take turns",
        "pipeline/jobs/scripts/submit.lua",
        "'of:' .. fields.tenant .. '/' .. terms.group",
        "'of:'",
        f"{LANES}::test_classes_take_turns_however_much_one_of_them_brought",
    ),
    Mutant(
        "lanes",
        "pipeline/jobs/scripts/submit.lua",
        "if terms.lane == 'interactive' then return order end",
        "if true then return order end",
        f"{LANES}::test_turns_go_before_homework_and_homework_before_lessons_at_every_stage",
    ),
    Mutant(
        "a lane that starves",
        "pipeline/jobs/scripts/claim.lua",
        "if waits and NOW - (redis.call('HGET', served, LANES[i]) or NOW) > tonumber(starved_s) then return waits end",
        "",
        f"{LANES}::test_a_lane_that_was_passed_over_for_long_has_the_next_turn",
    ),
    Mutant(
        "the same recording is handed in once",
        "pipeline/jobs/scripts/submit.lua",
        "if known and get(handed, 'sha256') == fields.sha256",
        "if false",
        f"{HANDED_IN}::test_the_same_recording_is_one_job_while_it_waits_and_when_it_is_answered",
    ),
    Mutant(
        "another recording replaces the one before",
        "pipeline/jobs/scripts/submit.lua",
        "if handed then cancel(handed, terms.replaced, job) end",
        "",
        f"{HANDED_IN}::test_another_recording_takes_the_place_of_one_that_waits",
    ),
    Mutant(
        "a newer recording keeps its place",
        "pipeline/jobs/scripts/submit.lua",
        "if not instead or handed == instead then",
        "if true then",
        f"{HANDED_IN}::test_a_version_of_what_was_replaced_takes_nobody_s_place",
    ),
    Mutant(
        "complete when all has ended",
        "pipeline/jobs/scripts/lib.lua",
        "if redis.call('EXISTS', open) == 0 and all_handed_in(assignment)",
        "if all_handed_in(assignment)",
        f"{HANDED_IN}::test_a_class_is_complete_when_the_last_of_its_students_is_answered_and_not_before",
    ),
    Mutant(
        "complete when all have handed in",
        "pipeline/jobs/scripts/lib.lua",
        "if redis.call('EXISTS', open) == 0 and all_handed_in(assignment)",
        "if redis.call('EXISTS', open) == 0",
        f"{HANDED_IN}::test_a_class_is_complete_when_the_last_of_its_students_is_answered_and_not_before",
    ),
    Mutant(
        "a turn's id follows from its number",
        "worker_segment/segmenter.py",
        'f"{lesson_id}/{number}".encode()',
        'f"{object()}".encode()',
        f"{SEGMENTING}::test_a_turn_that_is_submitted_again_is_the_same_and_is_not_even_written",
    ),
    Mutant(
        "a turn that is there is not made again",
        "worker_segment/segmenter.py",
        "if self.jobs.has(question.name):",
        "if False:",
        f"{SEGMENTING}::test_a_turn_that_is_submitted_again_is_the_same_and_is_not_even_written",
    ),
    Mutant(
        "one recording of a turn",
        "worker_segment/segmenter.py",
        "if accepted.job.question.recording != blob.name:",
        "if False:",
        f"{SEGMENTING}::test_two_who_segment_the_same_lesson_make_one_turn_with_one_recording",
    ),
    Mutant(
        "nothing is left of a turn that was refused",
        "worker_segment/segmenter.py",
        "            self.blobs.delete(blob.name)\n            raise",
        "            raise",
        f"{SEGMENTING}::test_a_turn_of_a_lesson_that_was_canceled_leaves_no_recording",
    ),
]


def misfits(mutants: list[Mutant]) -> list[str]:
    """Those whose text does not stand exactly once in their file: it was rewritten, and the mutant must be as well."""
    counts = {mutant.name: (ROOT / mutant.file).read_text().count(mutant.text) for mutant in mutants}
    return [f"{name}: its text stands {count} times in its file" for name, count in counts.items() if count != 1]


def environment(copy: Path) -> dict[str, str]:
    """The copy's modules go before those of the project itself, which may be installed."""
    return {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def check_that_the_copy_runs(copy: Path) -> None:
    command = [sys.executable, "-c", "import pipeline; print(pipeline.__file__)"]
    found = subprocess.check_output(command, cwd=copy, env=environment(copy), text=True).strip()
    if not Path(found).is_relative_to(copy):
        sys.exit(f"the mutants would not run: pipeline is imported from {found}")


def failed(copy: Path, tests: Iterable[str]) -> list[str]:
    """The names of those of the tests that fail in the copy. RuntimeError when they did not even run."""
    command = [sys.executable, "-m", "pytest", "--timeout=60", "--no-header", "-rf", *tests]
    done = subprocess.run(command, cwd=copy, env=environment(copy), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or "Error compiling script" in done.stdout:
        raise RuntimeError(f"pytest ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return [*dict.fromkeys(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))]


def killers(copy: Path, mutant: Mutant) -> list[str]:
    """The tests that fail without the mechanism; none when the mutant survives."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
        mutated = Path(folder) / "copy"
        shutil.copytree(copy, mutated)
        file = mutated / mutant.file
        file.write_text(file.read_text().replace(mutant.text, mutant.without))
        return failed(mutated, [mutant.test])


def survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Those which no test notices; a line is printed for each mutant."""
    with tempfile.TemporaryDirectory(prefix="waijiao-mutants-") as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        copy = Path(folder).resolve() / "copy"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        check_that_the_copy_runs(copy)
        if broken := failed(copy, {mutant.test for mutant in mutants}):
            sys.exit(f"these fail although nothing was taken out: {', '.join(broken)}")
        found = []
        for mutant, by in zip(mutants, pool.map(lambda each: killers(copy, each), mutants), strict=True):
            print(f"{mutant.name:48} {'killed by ' + ', '.join(by) if by else 'SURVIVED'}", flush=True)
            found += [] if by else [mutant]
        return found


def main(names: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if not chosen:
        sys.exit(f"expected one of: {', '.join(mutant.name for mutant in MUTANTS)}")
    if wrong := misfits(chosen):
        sys.exit("\n".join(wrong))
    return 1 if survivors(chosen) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
