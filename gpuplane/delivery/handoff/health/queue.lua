-- A queue works while it is active. One that was stopped on purpose is suspended, not broken.
local health = {status = "Progressing", message = "waiting for Kueue"}
if obj.spec ~= nil and obj.spec.stopPolicy ~= nil and obj.spec.stopPolicy ~= "None" then
  return {status = "Suspended", message = "stopped: " .. obj.spec.stopPolicy}
end
if obj.status == nil or obj.status.conditions == nil then return health end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Active" then
    if condition.observedGeneration ~= nil and obj.metadata.generation ~= nil
       and condition.observedGeneration < obj.metadata.generation then return health end
    health.message = condition.message or condition.reason or ""
    if condition.status == "True" then health.status = "Healthy" end
    if condition.status == "False" then
      health.status = "Degraded"
      if condition.reason == "Terminating" then health.status = "Progressing" end
    end
  end
end
return health
