-- complete(job, stage, fence, field, value, reset, heard_ms): the stage is done; the job goes on through its stages.
-- Refused (0) when the fence is stale or the job has ended; called again (its answer was lost) it is answered as before.
local job, stage, fence, field, value, reset, heard = unpack(ARGV)
local mark = stage .. ' ' .. fence
if get(job, 'done') == mark then  -- mutant: completion mark
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 1, ready_jobs }
end
if not has_lease(job, stage, fence) then return { 0, ready_jobs } end
unlease(job)
redis.call('HSET', job_key(job), field, value, 'done', mark, 'ran:' .. stage, format_seconds(NOW - get(job, 'claimed_at')))
record_speed(job, stage)
local key_id = get(job, 'key')
if key_id and tonumber(heard) > 0 then  -- mutant: daily minutes of a key
  redis.call('INCRBY', audio_today_key(key_id), heard)  -- INCRBYFLOAT in a script destroys the memory of Redis 6.2
  redis.call('EXPIRE', audio_today_key(key_id), 2 * 86400)
end
if stage == 'asr' then record_audio_length(heard) end
if reset == '1' then
  redis.call('HSET', session_key(job, KEY.session), 'since', get(job, 'seq'))
  redis.call('HSET', job_key(job), 'outcome', 'session_reset')
end
if stage == 'asr' then add_delivery(job, 'job.transcribed') end
if stage == 'llm' then unblock_next_turn(job) end
local heard_as = get(job, 'heard_as')
if heard_as and stage == 'asr' then redis.call('SET', KEY.transcript .. heard_as, job, 'EX', get(job, 'retention')) end
local next_stage = following(job, stage)
if next_stage then
  redis.call('HSET', job_key(job), 'stage', next_stage)
  ready(job)
  publish_change(job)
else
  finish(job)
end
return { 1, ready_jobs }
