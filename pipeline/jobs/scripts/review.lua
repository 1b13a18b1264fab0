-- review(job, feedback, go, deadline_s, call): a teacher's word on an answer that is held: other feedback, unless that is
-- empty, and with go = 1 leave to be spoken. Refused (0) when it is not held; said again (its answer was lost) it is
-- answered as before.
local job, feedback, go, deadline, call = unpack(ARGV)
if get(job, 'reviewed_by') == call then
  if get(job, 'phase') == 'ready' then ring(job) end
  return { 1, bells }
end
if not alive(job) or get(job, 'stage') ~= 'hold' then return { 0, bells } end  -- mutant: only held jobs are reviewed
redis.call('HSET', key(job), 'reviewed_by', call)
if feedback ~= '' then redis.call('HSET', key(job), 'feedback', feedback) end
if go == '1' then
  redis.call('HSET', key(job), 'stage', following(job, 'hold'), 'deadline_at', stamp(NOW + deadline))
  redis.call('ZADD', P .. 'deadlines', NOW + deadline, job)
  ready(job)
end
touch(job)
return { 1, bells }
