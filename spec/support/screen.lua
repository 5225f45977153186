---A terminal for specs: what stands on the screen after some bytes were written to it. It knows what progress bars use:
---text that wraps, \r, \n, cursor up (ESC [ n A) and clear the rest of the line (ESC [ K); anything else is an error.
local Screen = {}
Screen.__index = Screen

---@param columns integer
function Screen.new(columns)
  return setmetatable({columns = columns, rows = {{}}, row = 1, column = 1}, Screen)
end

function Screen:put(character)
  if self.column > self.columns then
    self:newline()
    self.rows[self.row].goes_on = true
    self.column = 1
  end
  self.rows[self.row][self.column] = character
  self.column = self.column + 1
end

function Screen:newline()
  self.row = self.row + 1
  self.rows[self.row] = self.rows[self.row] or {}
end

function Screen:escape(count, command)
  if command == "A" then
    self.row = self.row - (tonumber(count) or 1)
    assert(self.row >= 1, "the cursor left the screen")
  elseif command == "K" then
    for i = self.column, self.columns do self.rows[self.row][i] = nil end
    if self.column == 1 then self.rows[self.row].goes_on = nil end
  else
    error("unknown sequence ESC [ " .. count .. command)
  end
end

---@param text string
function Screen:write(text)
  local at = 1
  while at <= #text do
    local count, command, after = text:match("^\27%[(%d*)(%a)()", at)
    if command then
      self:escape(count, command)
      at = after
    else
      local character = text:match("^" .. utf8.charpattern, at)
      if character == "\n" then
        self:newline()
        self.column = 1
      elseif character == "\r" then
        self.column = 1
      else
        self:put(character)
      end
      at = at + #character
    end
  end
end

-- Empty rows below the cursor are as good as none.
function Screen:forget_empty_rows()
  while #self.rows > self.row and next(self.rows[#self.rows]) == nil do table.remove(self.rows) end
end

---Make the terminal narrower or wider: lines that have wrapped are joined, and wrapped anew.
---@param columns integer
function Screen:resize(columns)
  self:forget_empty_rows()
  assert(self.row == #self.rows, "only with the cursor in the last line")
  local text = ""
  for i, line in ipairs(self:lines()) do
    text = text .. (self.rows[i].goes_on and "" or i > 1 and "\n" or "") .. line
  end
  self.columns, self.rows, self.row, self.column = columns, {{}}, 1, 1
  self:write(text)
end

---@return string[] lines without trailing spaces
function Screen:lines()
  self:forget_empty_rows()
  local lines = {}
  for i, row in ipairs(self.rows) do
    local cells = {}
    for column = 1, self.columns do cells[column] = row[column] or " " end
    lines[i] = (table.concat(cells):gsub(" +$", ""))
  end
  return lines
end

return Screen
