-- Erase the class `name`, tenant/id, and what is known of its assignments; the assignments themselves stay. Returns 1, or 0
-- if there is no such class.
allow_full_memory()
local erased = redis.call('DEL', KEY.class .. args.name)
redis.call('DEL', KEY.class_work .. args.name, KEY.class_work_times .. args.name)
redis.call('ZREM', KEY.classes .. string.match(args.name, '^[^/]+'), args.name)
return { erased }
