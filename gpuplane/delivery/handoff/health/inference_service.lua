-- Ready is what callers see; a model that cannot be loaded will not become so by waiting. Waiting for GPUs in a queue is progress.
local health = {status = "Progressing", message = "waiting for KServe"}
local status = obj.status
if status == nil then return health end
local model = status.modelStatus
if model ~= nil and (model.transitionStatus == "InvalidSpec" or model.transitionStatus == "BlockedByFailedLoad") then
  local failure = model.lastFailureInfo
  health.status = "Degraded"
  health.message = model.transitionStatus .. (failure ~= nil and failure.message ~= nil and (": " .. failure.message) or "")
  return health
end
if status.conditions == nil then return health end
if status.observedGeneration ~= nil and status.observedGeneration > 0 and obj.metadata.generation ~= nil
   and status.observedGeneration < obj.metadata.generation then return health end
for _, condition in ipairs(status.conditions) do
  if condition.type == "Stopped" and condition.status == "True" then
    return {status = "Suspended", message = "stopped"}
  end
  if condition.type == "Ready" then
    health.message = condition.message or condition.reason or ""
    if condition.status == "True" then health.status = "Healthy" end
  end
end
return health
