---TensorboardWriter:add_figure - figures rendered to pixels, which go the way of an image.
-- @module helios.core.writer_figure
local native = require "helios.native"
local options = require "helios.core.options"

local ADD_FIGURE = {
  name = "add_figure", required = 2, positional = 4,
  names = {"tag", "figure", "global_step", "close", "walltime"},
  types = {tag = "string", global_step = "number", close = "boolean", walltime = "number"},
}

local function method_of(figure, name)
  local kind = type(figure)
  if kind ~= "table" and kind ~= "userdata" then return nil end
  local ok, method = pcall(function() return figure[name] end)
  return ok and method or nil
end

---An argument's wrong value, for an error at the caller's line.
local function refusal(reason) return nil, "add_figure: argument 'figure': " .. reason end

---A list of figures, and whether it was one; or nil and the error.
local function as_list(figure)
  if method_of(figure, "render") then return {figure}, false end
  if type(figure) ~= "table" or #figure == 0 then
    return refusal("expected an object with :render(), or a list of them, got a " .. type(figure))
  end
  for i = 1, #figure do
    if not method_of(figure[i], "render") then return refusal(("figure %d has no :render()"):format(i)) end
  end
  return figure, true
end

---What :render() gave as a tensor: PNG bytes are decoded, a table holds bytes, anything else `stack` judges. Or nil and
---the error.
local function pixels_of(picture, i)
  if picture == nil then return refusal(("picture %d: :render() gave nothing"):format(i)) end
  if type(picture) == "table" then
    local ok, pixels = pcall(native.tensor.from_table, picture, "uint8")
    if ok then return pixels end
    return refusal(("picture %d: %s"):format(i, pixels:gsub("^[^\n]-argument 't': ", "")))
  end
  if type(picture) ~= "string" then return picture end
  local decoded, message = native.tensor.decode_png(picture)
  if not decoded then return refusal(("picture %d: %s"):format(i, message)) end
  return decoded
end

---An error's text as one of ours.
local function with_prefix(message) return "add_figure: " .. message:gsub("^[^\n]-:%d+: ", "") end

---All pictures in one tensor; or nil and the error.
local function render_all(figures)
  local pictures = {}
  for i, figure in ipairs(figures) do
    local ok, picture = pcall(figure.render, figure)
    if not ok then return nil, type(picture) == "string" and with_prefix(picture) or picture end
    local pixels, why = pixels_of(picture, i)
    if not pixels then return nil, why end
    pictures[i] = pixels
  end
  local stacked, reason = native.figure.stack(pictures)
  if not stacked then return refusal(reason) end
  return stacked
end

return function(self, ...)
  if not native.graph.is_open(self, "add_figure") then return end
  local args = options.read(ADD_FIGURE, ...)
  local figures, is_list = as_list(args.figure)
  if not figures then error(is_list, 2) end
  local pictures, why = render_all(figures)
  if not pictures then error(why, 2) end
  local image = is_list and pictures or pictures:select(1, 1)
  local image_options = {
    global_step = args.global_step, walltime = args.walltime, dataformats = is_list and "NHWC" or "HWC",
  }
  local ok, message = pcall(native.writer.methods.add_image, self, args.tag, image, image_options)
  if not ok then error((message:gsub("^[^\n]-add_image: ", "add_figure: ")), 2) end
  if args.close == false then return end
  for _, figure in ipairs(figures) do
    local close = method_of(figure, "close")
    if close then close(figure) end
  end
end
