local child = require "spec.support.child"
local tmp = require "spec.support.tmp"

---The program calls at random, the same calls each time; SEED and CALLS in the environment change them.
describe("a call with any arguments", function()
  it("works, or raises in its own name, and harms nobody", function()
    local folder = tmp.dir()
    local arguments = ("arg = {%q, %q, %q}\n"):format(os.getenv "SEED" or "6691", os.getenv "CALLS" or "4000", folder)
    local result = child.run(arguments .. tmp.read("spec/support/random_calls.lua"))
    assert.is_true(result.ok, result.err)
    assert.matches("^%d+ calls, %d+ of them worked\n$", result.out)
    for _, name in ipairs(tmp.files(folder)) do assert.is_nil(name:find("%.pending$"), name) end
  end)
end)
