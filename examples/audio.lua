-- audio.lua - sound to listen to on the dashboard: a chord that fades, at 16 kHz.
local helios = require "helios"
local logging = helios.core.logging

local RATE, SECONDS = 16000, 2
local CHORD = {261.63, 329.63, 392.00} -- C, E, G in Hz

local function sample(t)
  local sum = 0
  for _, frequency in ipairs(CHORD) do sum = sum + math.sin(2 * math.pi * frequency * t) end
  return sum / #CHORD * math.exp(-t)
end

local samples = {}
for i = 1, RATE * SECONDS do samples[i] = sample((i - 1) / RATE) end

local tb = logging.TensorboardWriter()
tb:setup("runs/audio")
tb:add_audio("chord", samples, {global_step = 0, sample_rate = RATE})
assert(tb:close())
print("two seconds of C major are in runs/audio")
