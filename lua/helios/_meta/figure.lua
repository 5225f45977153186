---@meta helios.native.figure

---@class helios.native.figure
local figure = {}

---Pictures of one size as one tensor of N x height x width x 3: gray is repeated, alpha dropped.
---@param pictures helios.Tensor[] uint8, height x width x 1, 3 or 4 channels
---@return helios.Tensor? stacked nil when one is no picture, or of another size
---@return string? why
function figure.stack(pictures) end

return figure
