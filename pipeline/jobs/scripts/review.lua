-- review(job, feedback, go, deadline_s, call): a teacher's word on an answer that is held: other feedback, unless that is
-- empty, and with go = 1 leave to be spoken. Refused (0) when it is not held; called again (its answer was lost) it is
-- answered as before.
local job, feedback, go, deadline, call = unpack(ARGV)
if get(job, 'reviewed_by') == call then
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 1, ready_jobs }
end
if not alive(job) or get(job, 'stage') ~= 'hold' then return { 0, ready_jobs } end  -- mutant: only held jobs are reviewed
redis.call('HSET', job_key(job), 'reviewed_by', call)
if feedback ~= '' then redis.call('HSET', job_key(job), 'feedback', feedback) end
if go == '1' then
  redis.call('HSET', job_key(job), 'stage', following(job, 'hold'), 'deadline_at', format_seconds(NOW + deadline))
  redis.call('ZADD', KEY.deadlines, NOW + deadline, job)
  ready(job)
end
publish_change(job)
return { 1, ready_jobs }
