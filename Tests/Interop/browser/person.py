"""A page as a person sees and uses it."""

import base64
import pathlib

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

# Where pictures of the pages are left, to be looked at.
PICTURES = pathlib.Path(__file__).resolve().parents[3] / ".build-pictures"
LONGEST = 30


class Console:
    """A page of the server's, by what a person sees of it."""

    def __init__(self, page):
        self.page = page

    def find(self, selector):
        return self.page.front().find_element(By.CSS_SELECTOR, selector)

    def wait(self, selector, text=""):
        """Waits until an element that is shown has a text, and returns it."""
        def look(driver):
            shown = [each for each in driver.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed() and text in each.text]
            return shown[0] if shown else None
        waiting = WebDriverWait(self.page.front(), LONGEST, ignored_exceptions=[StaleElementReferenceException])
        try:
            return waiting.until(look)
        except TimeoutException:
            raise AssertionError(
                f"{text!r} does not show at {selector}, which has {self.texts(selector)}; the status is {self.texts('#status')}"
            ) from None

    def until(self, condition):
        """Waits until a condition holds that is not about the page alone."""
        WebDriverWait(self.page.front(), LONGEST).until(lambda _: condition())

    def texts(self, selector):
        return [each.text for each in self.page.front().find_elements(By.CSS_SELECTOR, selector)]

    def click(self, selector, text=""):
        self.wait(selector, text).click()

    def picture(self, name):
        PICTURES.mkdir(exist_ok=True)
        # All of it, and not only what fits into the window.
        picture = self.page.front().execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (PICTURES / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))

    def run(self, script, *values):
        return self.page.run(script, *values)
