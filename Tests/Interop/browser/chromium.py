"""A headless Chromium that tests tell what to run in its pages.

    with Chromium() as chromium:
        page = chromium.open("http://127.0.0.1:8000/page.html")
        assert page.run("return navigator.onLine && await something(arguments[0])", 1) == 2
        assert page.problems() == []

It is meant for the network namespace that `run.py` makes: it uses no proxy, and no sandbox, since root may run it.
"""

import shutil
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--no-proxy-server", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
    # WebRTC between pages and programs of this machine: addresses as they are, and those of the loopback interface too.
    "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns",
    # Pages behind another one run as fast as the one in front.
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
    # Nothing but the tests asks for anything.
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
]
# How long a script may run, in seconds, unless the test says another time. Far more than any takes.
LONGEST_SCRIPT = 120

# Runs a script as the body of an asynchronous function, and tells what it returns or throws. An error's own members
# come along: PouchDB's errors carry a status and a reason.
RUNNER = """
const finish = arguments[arguments.length - 1];
const [source, ...values] = Array.prototype.slice.call(arguments, 0, -1);
const AsyncFunction = (async () => {}).constructor;
(async () => new AsyncFunction(source).apply(null, values))().then(
  (value) => finish({ value: value === undefined ? null : value }),
  (error) => finish({ error: { name: String(error?.name), message: String(error?.message ?? error),
    stack: String(error?.stack ?? ""), ...JSON.parse(JSON.stringify(error ?? null) ?? "null") } }));
"""


class ScriptError(Exception):
    """What a script in a page threw; `details` has the members of the JavaScript error."""

    def __init__(self, details):
        super().__init__("\n".join(filter(None, (f"{details['name']}: {details['message']}", details["stack"]))))
        self.details = details


class Chromium:
    """A browser with a profile of its own, which is removed when it is closed."""

    def __init__(self, arguments=()):
        self.profile = tempfile.TemporaryDirectory(prefix="peerpouch-chromium-", ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={self.profile.name}", *arguments):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.blank = self.driver.current_window_handle
        # Pages that may not use a microphone are connected by the default route only, and here there is none.
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["audioCapture"]})

    def open(self, url):
        """Opens a page in a tab of its own, and returns it when it is loaded."""
        self.driver.switch_to.new_window("tab")
        page = Page(self, self.driver.current_window_handle)
        self.driver.get(url)
        return page

    def close(self):
        self.driver.quit()
        self.profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    """A tab. Its scripts go on while those of other tabs are run."""

    def __init__(self, chromium, handle):
        self.chromium = chromium
        self.driver = chromium.driver
        self.handle = handle

    def front(self):
        """Makes it the tab that the driver speaks to, and returns the driver: to click, type, or take a picture."""
        self.driver.switch_to.window(self.handle)
        return self.driver

    def run(self, script, *values, longest=LONGEST_SCRIPT):
        """Runs a script as the body of an asynchronous function whose `arguments` are values that JSON has.

        Returns what it returns, which must be such a value, too. Raises ScriptError with what it throws, and
        selenium's TimeoutException if it takes longer than `longest` seconds.
        """
        driver = self.front()
        driver.set_script_timeout(longest)
        outcome = driver.execute_async_script(RUNNER, script, *values)
        if "error" in outcome:
            raise ScriptError(outcome["error"])
        return outcome["value"]

    def console(self):
        """What Chromium's console has got since it was last asked for, of all tabs: a list of dictionaries."""
        return self.front().get_log("browser")

    def problems(self):
        """The errors among it: exceptions that nobody caught, violated policies, errors that a script reported.

        Answers with a status of 400 and more are not among them: they are reported even where the script expects them.
        """
        return [
            entry["message"] for entry in self.console() if entry["level"] == "SEVERE" and entry["source"] != "network"
        ]

    def close(self):
        """Closes the tab, and with it all that it does."""
        self.front().close()
        self.driver.switch_to.window(self.chromium.blank)
