local health = {status = "Progressing", message = "waiting for psg-operator"}
local status = obj.status
-- Until then the conditions speak of an older spec, or there are none.
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end
local function is_true(kind)
  return found[kind] ~= nil and found[kind].status == "True"
end
if found.Ready ~= nil then
  health.message = found.Ready.reason
  if (found.Ready.message or "") ~= "" then
    health.message = found.Ready.reason .. ": " .. found.Ready.message
  end
end
-- A deletion is under way whatever holds it up: the message says what that is.
if obj.metadata.deletionTimestamp ~= nil or is_true("Reconciling") then
  return health
end
if is_true("Stalled") then
  health.status = "Degraded"
elseif is_true("Ready") then
  health.status = "Healthy"
end
return health
