-- submit(job, retention_s, deadline_s, fields…): write the record; it waits at the first stage of its road.
local job, retention, deadline = ARGV[1], ARGV[2], ARGV[3]
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', key(job), unpack(fields))
local session = session_key(job, 'session')
local seq = redis.call('HINCRBY', session, 'seq', 1)
local order = redis.call('INCR', P .. 'accepted')
redis.call('HSET', key(job), 'seq', seq, 'order', order, 'epoch', redis.call('HGET', session, 'epoch') or '0',
  'created_at', stamp(NOW), 'deadline_at', stamp(NOW + deadline), 'retention', retention,
  'stage', string.match(get(job, 'road'), '^[^,]+'))
redis.call('ZADD', session_key(job, 'turns'), seq, job)
redis.call('ZADD', session_key(job, 'open'), seq, job)
redis.call('ZADD', P .. 'deadlines', NOW + deadline, job)
local lasting = math.ceil(retention + deadline)
redis.call('EXPIRE', key(job), lasting)
for _, what in ipairs({ 'session', 'turns', 'open' }) do redis.call('EXPIRE', session_key(job, what), lasting) end
ready(job)
touch(job)
return { bells }
