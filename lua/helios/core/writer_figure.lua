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

---A list of figures; or nil and the error.
local function as_list(figure)
  if method_of(figure, "render") then return {figure} end
  if type(figure) ~= "table" or #figure == 0 then
    return refusal("expected an object with :render(), or a list of them, got a " .. type(figure))
  end
  for i = 1, #figure do
    if not method_of(figure[i], "render") then return refusal(("figure %d has no :render()"):format(i)) end
  end
  return figure
end

---What :render() gave, a table of bytes as a tensor; the rest is judged by the core. Or nil and the error.
local function picture_of(given, i)
  if given == nil then return refusal(("picture %d: :render() gave nothing"):format(i)) end
  if type(given) ~= "table" then return given end
  local ok, pixels = pcall(native.tensor.from_table, given, "uint8")
  if ok then return pixels end
  return refusal(("picture %d: %s"):format(i, pixels:gsub("^[^\n]-argument 't': ", "")))
end

---An error's text as one of ours.
local function with_prefix(message) return "add_figure: " .. message:gsub("^[^\n]-:%d+: ", "") end

---All pictures; or nil and the error.
local function render_all(figures)
  local pictures = {}
  for i, figure in ipairs(figures) do
    local ok, given = pcall(figure.render, figure)
    if not ok then return nil, type(given) == "string" and with_prefix(given) or given end
    local picture, why = picture_of(given, i)
    if not picture then return nil, why end
    pictures[i] = picture
  end
  return pictures
end

return function(self, ...)
  if not options.at_caller(native.graph.is_open, self, "add_figure") then return end
  local args = options.read(ADD_FIGURE, ...)
  local figures, wrong = as_list(args.figure)
  if not figures then error(wrong, 2) end
  local pictures, why = render_all(figures)
  if not pictures then error(why, 2) end
  local when = {global_step = args.global_step, walltime = args.walltime}
  local ok, message = pcall(native.figure.add, self, args.tag, pictures, when)
  if not ok then error((message:gsub("^[^\n]-add_figure: ", "add_figure: ")), 2) end
  if args.close == false then return end
  for _, figure in ipairs(figures) do
    local close = method_of(figure, "close")
    if close then close(figure) end
  end
end
