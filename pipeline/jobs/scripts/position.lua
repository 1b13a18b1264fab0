-- A job's position. Returns its phase, a stage, how many jobs will be claimed there before it (nil: it runs), the
-- seconds it has run there, how many turns of its session come before it, and {stage, count, …}: how many of the jobs that
-- are ready at each stage would be claimed before it if it became ready there now. A blocked job waits for earlier turns
-- of its session: then the stage, the counts and the seconds are those of the first of these turns.
local job, turns_before = args.job, 0
local phase = get(job, 'phase')
if phase == 'blocked' then
  local open = session_key(job, KEY.open_turns)
  turns_before = redis.call('ZRANK', open, job) or 0
  job = redis.call('ZRANGE', open, 0, 0)[1] or job
end
local stage, claimed_at = get(job, 'stage'), get(job, 'claimed_at')
local jobs_before = redis.call('ZRANK', KEY.ready .. (stage or ''), job)
local counts, score, class = {}, number(job, 'score', 0), get(job, 'fair_class')
for _, each in ipairs(WORKED_AT) do
  local _, begin = fair_queue_at(each, score)
  local limit = class and begin + next_round(each, score, class) + 1 or score
  counts[#counts + 1] = each
  counts[#counts + 1] = redis.call('ZCOUNT', KEY.ready .. each, '-inf', string.format('(%.6f', limit))
end
local ran_s = jobs_before and 0 or math.max(0, NOW - (tonumber(claimed_at or nil) or NOW))
return { phase or false, stage or false, jobs_before, tostring(ran_s), turns_before, counts }
