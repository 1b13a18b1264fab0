-- The job's stage is done: write its result, the JSON text `value`, into the record's `field`, and send the job on to its
-- next stage. audio_ms: the length of the audio that was recognised, else 0. With `reset` the session starts over.
-- `ledger`: what feedback adds to the learner's ledger, a JSON text; it is written there when the job has succeeded, and
-- kept for ledger_s seconds.
-- No stage counts as having run for more than limit_s seconds, even if the clock was set meanwhile.
-- Refused (0) when the fence is stale or the job has ended; called again (its answer was lost) it is answered as before.
allow_full_memory()
local job, stage = args.job, args.stage
local mark = stage .. ' ' .. args.fence
if get(job, 'done') == mark then  -- mutant: completion mark
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 1, ready_jobs }
end
if not has_lease(job, stage, args.fence) then return { 0, ready_jobs } end
unlease(job)
redis.call('HSET', job_key(job), args.field, args.value, 'done', mark,
  'ran:' .. stage, format_seconds(math.min(args.limit_s, math.max(0, NOW - number(job, 'claimed_at', NOW)))))
record_speed(job, stage, args.limit_s)
local key_id = get(job, 'key')
if key_id and args.audio_ms > 0 then  -- mutant: daily minutes of a key
  redis.call('INCRBY', audio_today_key(key_id), args.audio_ms)  -- INCRBYFLOAT in a script destroys the memory of Redis 6.2
  redis.call('EXPIRE', audio_today_key(key_id), 2 * 86400)
end
if stage == 'asr' then record_audio_length(args.audio_ms) end
if args.reset then
  redis.call('HSET', session_key(job, KEY.session), 'since', get(job, 'seq'))
  redis.call('HSET', job_key(job), 'outcome', 'session_reset')
end
if stage == 'asr' then add_delivery(job, 'job.transcribed') end
if args.ledger then redis.call('HSET', job_key(job), 'ledger', args.ledger) end
if stage == 'llm' then unblock_next_turn(job) end
local cache_key = get(job, 'heard_as')
if cache_key and stage == 'asr' then redis.call('SET', KEY.transcript .. cache_key, job, 'EX', get(job, 'retention')) end
local next_stage = following(job, stage)
if next_stage then
  redis.call('HSET', job_key(job), 'stage', next_stage)
  ready(job)
  publish_change(job)
else
  finish(job)
  write_entry(job, args.ledger_s)  -- mutant: ledger
end
return { 1, ready_jobs }
