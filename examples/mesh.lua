-- mesh.lua - a torus as a surface and as a cloud of points, to be turned around on the dashboard.
local helios = require "helios"
local logging = helios.core.logging

local AROUND, ACROSS = 48, 24

local vertices, colors, faces = {}, {}, {}
for i = 0, AROUND - 1 do
  for k = 0, ACROSS - 1 do
    local u, v = 2 * math.pi * i / AROUND, 2 * math.pi * k / ACROSS
    local radius = 2 + 0.7 * math.cos(v)
    vertices[#vertices + 1] = {radius * math.cos(u), radius * math.sin(u), 0.7 * math.sin(v)}
    colors[#colors + 1] = {255 * i // AROUND, 128, 255 * k // ACROSS}
    -- Two triangles from this point to the next ones around and across; indices count from 0.
    local here, right = i * ACROSS + k, (i + 1) % AROUND * ACROSS + k
    local up, corner = i * ACROSS + (k + 1) % ACROSS, (i + 1) % AROUND * ACROSS + (k + 1) % ACROSS
    faces[#faces + 1] = {here, right, up}
    faces[#faces + 1] = {right, corner, up}
  end
end

local camera = {camera = {cls = "PerspectiveCamera", fov = 60}}
local tb = logging.TensorboardWriter()
tb:setup("runs/mesh")
-- A batch of one each.
tb:add_mesh("torus", {vertices}, {colors}, {faces}, camera, 0)
tb:add_mesh("points", {vertices}, {colors = {colors}, global_step = 0})
assert(tb:close())
print("a torus is in runs/mesh")
