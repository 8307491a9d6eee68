-- Argo CD leaves the health of Applications within an Application out unless it is told; waves wait for it.
local health = {status = "Progressing", message = ""}
if obj.status ~= nil and obj.status.health ~= nil then
  health.status = obj.status.health.status or health.status
  health.message = obj.status.health.message or ""
end
if obj.status ~= nil and obj.status.operationState ~= nil and obj.status.operationState.phase == "Failed" then
  health.status = "Degraded"
  health.message = obj.status.operationState.message or ""
end
return health
