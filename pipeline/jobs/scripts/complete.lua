-- complete(job, stage, fence, field, value, reset, heard_ms): the stage is done; the job goes on through its stages.
-- Refused (0) when the fence is stale or the job has ended; said again (its answer was lost) it is answered as before.
local job, stage, fence, field, value, reset, heard = unpack(ARGV)
local mark = stage .. ' ' .. fence
if get(job, 'done') == mark then  -- mutant: completion mark
  if get(job, 'phase') == 'ready' then ring(job) end
  return { 1, bells }
end
if not holds(job, stage, fence) then return { 0, bells } end
unlease(job)
redis.call('HSET', key(job), field, value, 'done', mark, 'ran:' .. stage, stamp(NOW - get(job, 'claimed_at')))
note_speed(job, stage)
local whose = get(job, 'key')
if whose and tonumber(heard) > 0 then  -- mutant: daily minutes of a key
  redis.call('INCRBY', heard_today(whose), heard)  -- INCRBYFLOAT in a script destroys the memory of Redis 6.2
  redis.call('EXPIRE', heard_today(whose), 2 * 86400)
end
if stage == 'asr' then note_length(heard) end
if reset == '1' then
  redis.call('HSET', session_key(job, 'session'), 'since', get(job, 'seq'))
  redis.call('HSET', key(job), 'outcome', 'session_reset')
end
if stage == 'asr' then tell(job, 'job.transcribed') end
if stage == 'llm' then leave_line(job) end
local heard_as = get(job, 'heard_as')
if heard_as and stage == 'asr' then redis.call('SET', P .. 'heard-as:' .. heard_as, job, 'EX', get(job, 'retention')) end
local next_stage = following(job, stage)
if next_stage then
  redis.call('HSET', key(job), 'stage', next_stage)
  ready(job)
  touch(job)
else
  finish(job)
end
return { 1, bells }
