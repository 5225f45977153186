---@meta helios.native.figure

---@class helios.native.figure
local figure = {}

---What figures rendered, as one image of the run.
---@param writer helios.TensorboardWriter
---@param tag string
---@param pictures (helios.Tensor|string)[] of one size: uint8, height x width x 1, 3 or 4 channels; or PNG bytes
---@param options? {global_step: integer?, walltime: number?}
function figure.add(writer, tag, pictures, options) end

return figure
