---@meta helios.native.graph

---@class helios.native.graph
local graph = {}

---Write a list of nodes as a graph.
---@param writer helios.TensorboardWriter
---@param nodes helios.GraphNode[]
---@param options? helios.AddOptions
function graph.add(writer, nodes, options) end

---Whether an add_* of this writer has an effect; raises in the function's name when it is closed.
---@param writer helios.TensorboardWriter
---@param name string of the function
---@return boolean
function graph.is_open(writer, name) end

return graph
