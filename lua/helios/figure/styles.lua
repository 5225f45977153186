---What a user may choose by name: ways to draw points, places of the legend, palettes.
---@class helios.figure.styles
local M = {}

local DASHES = {["-"] = 1, ["--"] = 2, [":"] = 3, ["-."] = 4}
local MARKS = {o = 7, ["."] = 7, x = 2, ["+"] = 1, s = 5, ["^"] = 9}

---@class helios.figure.Style
---@field line? integer gnuplot's number of the dashes
---@field mark? integer gnuplot's number of the mark
---@field way? string gnuplot's name for drawing that is neither lines nor marks

---Ways to draw marks alone.
---@type table<string, helios.figure.Style>
M.MARKERS = {points = {mark = MARKS.o}}

---Ways to draw points: lines, marks, and both at once such as "o-" or "x--".
---@type table<string, helios.figure.Style>
M.STYLES = {
  lines = {line = 1}, dashed = {line = 2}, dotted = {line = 3}, linespoints = {line = 1, mark = MARKS.o},
  steps = {line = 1, way = "steps"}, impulses = {line = 1, way = "impulses"}, points = M.MARKERS.points,
}
for dashes, line in pairs(DASHES) do M.STYLES[dashes] = {line = line} end
for name, mark in pairs(MARKS) do
  M.MARKERS[name] = {mark = mark, size = name == "." and 0.4 or 1}
  M.STYLES[name] = M.MARKERS[name]
  for dashes, line in pairs(DASHES) do M.STYLES[name .. dashes] = {line = line, mark = mark} end
end

---Places of the legend.
M.LEGENDS = {
  ["top right"] = "inside right top", ["top left"] = "inside left top", ["bottom right"] = "inside right bottom",
  ["bottom left"] = "inside left bottom", ["top center"] = "inside center top",
  ["bottom center"] = "inside center bottom", outside = "outside right top",
}

---Colours from the lowest to the highest value, evenly spaced.
M.PALETTES = {
  viridis = {"#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"},
  gray = {"#000000", "#ffffff"},
  blues = {"#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"},
  coolwarm = {"#3b4cc0", "#8db0fe", "#dddddd", "#f49a7b", "#b40426"},
}

return M
