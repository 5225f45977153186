"""A headless Chromium on a TensorBoard. Its dashboards are built of shadow roots, which ordinary selectors do not see
into: everything here looks through them."""
import io
import os

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# Elements that match, in the order of the page, those inside shadow roots too.
DEEP = """
function deep(selector) {
  const found = [];
  (function walk(node) {
    if (node.matches && node.matches(selector)) found.push(node);
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.children) walk(child);
  })(document.body);
  return found;
}
"""
# The text a person sees, piece by piece.
TEXTS = """
const pieces = [];
(function walk(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = node.textContent.trim();
    if (text) pieces.push(text);
    return;
  }
  if (['STYLE', 'SCRIPT', 'TEMPLATE', 'NOSCRIPT'].includes(node.tagName)) return;
  if (node.nodeType === Node.ELEMENT_NODE && getComputedStyle(node).display === 'none') return;
  if (node.shadowRoot) walk(node.shadowRoot);
  node.childNodes.forEach(walk);
})(document.body);
return pieces;
"""


class Page:
    def __init__(self, address, folder):
        """`folder` is where screenshots go."""
        self.address, self.folder = address, folder
        options = webdriver.ChromeOptions()
        options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        for argument in ("--headless=new", "--window-size=1600,1100", "--disable-dev-shm-usage",
                         "--enable-unsafe-swiftshader"):  # the projector and meshes need WebGL
            options.add_argument(argument)
        if os.getuid() == 0:
            options.add_argument("--no-sandbox")
        service = Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        self.driver = webdriver.Chrome(service=service, options=options)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.driver.quit()

    def show(self, dashboard, **state):
        """Open a dashboard anew; the state is what the address keeps of it, such as tagFilter."""
        self.driver.switch_to.default_content()
        self.driver.get("about:blank")
        self.driver.get(self.address + "#" + "&".join([dashboard] + ["%s=%s" % item for item in state.items()]))

    def enter_frames(self):
        """Into the innermost frame of the page (the projector's); False while it is not there yet."""
        self.driver.switch_to.default_content()
        depth = 0
        while True:
            frames = self.driver.find_elements("tag name", "iframe")
            if not frames:
                return depth > 0
            self.driver.switch_to.frame(frames[0])
            depth += 1

    def texts(self):
        return self.driver.execute_script(TEXTS)

    def each(self, selector, expression):
        """A JavaScript expression of each element `e` that matches."""
        script = DEEP + "return deep(arguments[0]).map(e => %s)" % expression
        return self.driver.execute_script(script, selector)

    def mouse(self, event, selector):
        """A mouse event such as "dblclick" on the first element that matches; whether there is one."""
        script = DEEP + """
            const found = deep(arguments[1])[0];
            if (found) found.dispatchEvent(new MouseEvent(arguments[0], {bubbles: true, composed: true}));
            return Boolean(found);
        """
        return self.driver.execute_script(script, event, selector)

    def elements(self, selector):
        return self.driver.execute_script(DEEP + "return deep(arguments[0])", selector)

    def colours(self, selector):
        """How many colours the first such element shows: 1 or 2 mean that nothing is drawn on it."""
        found = self.elements(selector)
        if not found:
            return 0
        picture = Image.open(io.BytesIO(found[0].screenshot_as_png)).convert("RGB")
        return len(picture.getcolors(picture.width * picture.height))

    def screenshot(self, name):
        self.driver.switch_to.default_content()
        self.driver.save_screenshot(os.path.join(self.folder, name + ".png"))
