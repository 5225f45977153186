---@meta helios.native.tensor

---@class helios.native.tensor
local tensor = {}

---@param shape integer[]
---@param dtype? helios.DType
---@return helios.Tensor
function tensor.new(shape, dtype) end

---@param t table|number
---@param dtype? helios.DType
---@return helios.Tensor
function tensor.from_table(t, dtype) end

---@param s string
---@param shape integer[]
---@param dtype? helios.DType
---@return helios.Tensor
function tensor.from_bytes(s, shape, dtype) end

---The pixels in the bytes of a PNG file.
---@param bytes string
---@return helios.Tensor? image uint8, height x width x channels; nil when the bytes are damaged
---@return string? message
---@return string? code "EFORMAT" or "ELIMIT"
function tensor.decode_png(bytes) end

---@class helios.Tensor
local methods = {}

---One element, by as many indices as there are dimensions.
---@param ... integer from 1
---@return number|boolean
function methods:get(...) end

---Set one element. Raises when the value does not fit the dtype.
---@param v number|boolean
---@param ... integer
function methods:set(v, ...) end

---Set all elements.
---@param v number|boolean
---@return helios.Tensor self
function methods:fill(v) end

---@return integer count of all elements
function methods:numel() end

---@return string bytes of all elements: native order, C-contiguous
function methods:bytes() end

---@return table|number|boolean nested lists; a number or boolean when there are no dimensions
function methods:totable() end

---A view with dimensions in another order.
---@param ... integer every dimension once, from 1
---@return helios.Tensor
function methods:permute(...) end

---The same elements in C order in another shape; a view where memory allows, else a copy.
---@param ... integer sizes; one may be -1, for what is left
---@return helios.Tensor
function methods:reshape(...) end

---A view of one slice, with that dimension gone.
---@param dim integer from 1
---@param i integer from 1
---@return helios.Tensor
function methods:select(dim, i) end

tensor.methods = methods

return tensor
