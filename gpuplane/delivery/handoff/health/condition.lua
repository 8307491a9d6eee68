-- The health of an object is one condition of its status. A status of an older generation says nothing of this one.
local health = {status = "Progressing", message = "waiting for its controller"}
local status = obj.status
if status == nil or status.conditions == nil then return health end
if status.observedGeneration ~= nil and status.observedGeneration > 0 and obj.metadata.generation ~= nil
   and status.observedGeneration < obj.metadata.generation then return health end
for _, condition in ipairs(status.conditions) do
  if condition.type == "@CONDITION@" then
    if condition.observedGeneration ~= nil and obj.metadata.generation ~= nil
       and condition.observedGeneration < obj.metadata.generation then return health end
    health.message = condition.message or condition.reason or ""
    if condition.status == "True" then health.status = "Healthy" end
    if condition.status == "False" then health.status = "@FALSE@" end
  end
end
return health
