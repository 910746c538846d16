"""The dashboard and the SQL page, in a real browser over a running stack. See browser-test.sh."""

import argparse
import base64
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser_proxy import KEY, lambda_like

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN_VIEW = """CREATE VIEW busiest_users AS
SELECT user_id, count(*) AS events, count(DISTINCT product_id) AS products
FROM clicks GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND);
"""
HOSTILE = '<img src=x onerror="window.hacked=1">'
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars""".split()
# What keeps an account of what the page was not allowed to do.
WATCH = "window.denied = []; addEventListener('securitypolicyviolation', (e) => denied.push(e.violatedDirective))"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def eventually(what, check, seconds=60):
    """Tries until something is true; gives it."""
    until, last = time.time() + seconds, None
    while time.time() < until:
        try:
            found = check()
            if found:
                return found
        except Exception as error:  # What is not there yet is tried again.
            last = error
        time.sleep(0.3)
    raise AssertionError(f"waited {seconds} s in vain for {what}" + (f": {last}" if last else ""))


class Stack:
    """`weir up` in a folder of its own, with the project's SQL and a view beside it."""

    def __init__(self, weir, work, rate):
        self.weir, self.work, self.rate, self.process = weir, work, rate, None
        shutil.copytree(ROOT / "sql", work / "sql")
        (work / "sql" / "own.sql").write_text(OWN_VIEW)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self):
        command = [self.weir, "up", "--port", self.port, "--kafka-port", 0, "--dynamodb-port", 0, "--rate", self.rate]
        log = open(self.work / "weir.log", "ab")
        self.process = subprocess.Popen([str(part) for part in command], cwd=self.work, stdout=log, stderr=log)
        eventually("weir to answer", lambda: self.get("health"), 90)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


class Page:
    """A tab of a browser with a profile of its own."""

    def __init__(self, work):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in [*FLAGS, f"--user-data-dir={tempfile.mkdtemp(dir=work)}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.size(1440, 1000)
        self.scheme("light")

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700)

    def scheme(self, scheme):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.driver.get(url)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def count(self, selector):
        return self.js("return document.querySelectorAll(arguments[0]).length", selector)

    def click(self, selector):
        self.js("arguments[0].scrollIntoView({block: 'center'})", self.driver.find_element(By.CSS_SELECTOR, selector))
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def keys(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def wrongs(self):
        """What the console has, and what the policy denied. That there are no metrics is no mistake."""
        logged = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        return [message for message in logged if "/metrics" not in message] + self.js("return window.denied ?? []")

    def assert_clean(self):
        wrongs = self.wrongs()
        assert not wrongs, wrongs

    def shot(self, path, width, height):
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))


# What the table of click-through rates shows, and what the API says, asked from the page at once.
CTR = """
const shown = [...document.querySelectorAll('#p-ctr tbody tr')].map((row) =>
  [row.cells[0].innerText, row.cells[1].innerText, row.cells[6].innerText, row.cells[7].innerText]);
const done = arguments[0];
fetch('ctr/latest').then((answer) => answer.json()).then((rows) => {
  const byName = new Map(rows.map((row) => [row.product_id, row]));
  done(shown.map((cells) => {
    const row = byName.get(cells[0]);
    return [cells, row && [row.product_id, (row.ctr * 100).toFixed(1) + ' %', String(row.impressions), String(row.clicks)]];
  }));
});
"""


def numbers_are_those_of_the_api(page, stack):
    page.open(stack.url)
    eventually("rates by product", lambda: page.count("#p-ctr tbody tr") >= 8, 120)

    def same():
        pairs = page.driver.execute_async_script(CTR)
        return len(pairs) >= 8 and all(shown == said for shown, said in pairs)

    eventually("the page to show what the API says", same)
    page.assert_clean()


def it_goes_on_by_itself(page, _):
    before = page.text("#p-ctr tbody")
    eventually("the page to be live", lambda: page.text("#state") == "Live")
    eventually("other numbers without loading again", lambda: page.text("#p-ctr tbody") != before, 40)


def own_views_have_a_table_and_a_chart(page, _):
    card = "#p-view-busiest_users"
    eventually("the view's table", lambda: page.count(f"{card} table tbody tr") > 0)
    eventually("the view's chart", lambda: page.count(f"{card} .bars li") > 0)
    top = page.js(f"return document.querySelector('{card} td').innerText")
    page.click(f"{card} th:nth-child(3) button")
    eventually("the order to change", lambda: page.count(f"{card} th:nth-child(3)[aria-sort=descending]") == 1)
    assert top


def alerts_come(page, stack):
    eventually("an order alert", lambda: "order" in page.text("#p-alerts .alerts").lower(), 120)
    assert page.count("#p-alerts li") <= len(stack.get("alerts"))


def of_hostile(kind, at):
    return {"product_id": HOSTILE, "user_id": HOSTILE, "event_type": kind, "timestamp": at}


def keys_are_text_and_nothing_else(page, stack):
    now = int(time.time() * 1000)
    stack.post("events/impressions", [of_hostile("impression", now)] * 300)
    eventually("the product of that name", lambda: HOSTILE in page.text("#p-ctr tbody"), 120)
    assert not page.js("return window.hacked"), "markup of an event was run"


def themes(page, _):
    ground = lambda: page.js("return getComputedStyle(document.body).backgroundColor")
    light = ground()
    page.scheme("dark")
    dark = ground()
    assert light != dark, light
    page.click("#theme")
    assert ground() == light, "the button does not go before the system"
    page.driver.refresh()
    eventually("the choice to be kept", lambda: ground() == light)
    page.js("localStorage.removeItem('weir.theme')")
    page.scheme("light")
    page.driver.refresh()
    eventually("the rows to be there again", lambda: page.count("#p-ctr tbody tr") > 0)


def fits_a_phone(page, stack):
    def changes():
        """Every other window everybody clicks on what has the longest name: a change that is not by chance."""
        now = int(time.time() * 1000)
        stack.post("events/impressions", [of_hostile("impression", now)] * 60)
        if now // 10_000 % 2:
            stack.post("events/clicks", [of_hostile("click", now)] * 60)
        return page.count("#p-ctr .delta.sure") > 0

    page.size(390, 844)
    for path in ("", "sql"):
        page.open(stack.url + path)
        # What is told of a change to those who hear the page lies outside of what is seen of the table.
        ready = changes if path == "" else lambda: page.count("#catalog details") > 0
        eventually("the page to be drawn", ready)
        wide = page.js("return document.documentElement.scrollWidth")
        assert wide <= 390, f"/{path} is {wide} wide"
    page.size(1440, 1000)


def keyboard(page, stack):
    page.open(stack.url)
    eventually("the rows", lambda: page.count("#p-view-busiest_users .sort") > 0)
    reached = []
    for _ in range(70):
        page.keys(Keys.TAB)
        reached.append(page.js("""const at = document.activeElement; const ring = getComputedStyle(at);
            return [at.id || at.className || at.tagName, ring.outlineStyle !== 'none']"""))
    names = [name for name, _ in reached]
    assert names[0] == "skip", names[:3]
    assert "theme" in names and "sort" in names and "quiet" in names, names
    assert all(ring for _, ring in reached if _ not in ("BODY",)), [name for name, ring in reached if not ring]


def accessible(page, stack, axe):
    if not axe.exists():
        print("   (without axe-core: it can't be had)")
        return
    for path in ("", "sql"):
        for scheme in ("light", "dark"):
            page.scheme(scheme)
            page.open(stack.url + path)
            eventually("the page to be drawn", lambda: page.count("#p-health table, #catalog details") > 0)
            page.js(axe.read_text())
            found = page.driver.execute_async_script("axe.run().then((found) => arguments[0](found.violations))")
            says = [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})" for one in found]
            assert not found, f"/{path} {scheme}: " + "; ".join(says)
    page.scheme("light")


def sql_is_checked_and_tried(page, stack):
    page.open(stack.url + "sql")
    eventually("a view to begin with", lambda: page.js("return document.querySelector('#draft').value.length > 20"))
    draft = page.driver.find_element(By.CSS_SELECTOR, "#draft")
    draft.send_keys(Keys.CONTROL, "a")
    draft.send_keys("CREATE VIEW tried AS\nSELECT produc_id, count(*) AS n\nFROM clicks GROUP BY product_id, TUMBLE(ts, INTERVAL '10' SECOND)")
    # What was typed so far may have been checked already: its mistake is another.
    eventually("the mistake", lambda: 'did you mean "product_id"' in page.text("#mistakes")
               and page.text("#paint .wrong") == "produc_id" and page.text("#gutter .wrong") == "2")
    page.js("const d = arguments[0]; d.value = d.value.replace('produc_id', 'product_id'); d.dispatchEvent(new Event('input'))", draft)
    eventually("no mistake", lambda: "✓ tried" in page.text("#mistakes"))
    draft.send_keys(Keys.CONTROL, Keys.ENTER)
    eventually("rows", lambda: page.count("#results tbody tr") > 5, 60)
    assert page.count("#results .bars li") > 0, "no chart"
    said = stack.post("sql/try", {"sql": draft.get_property("value")})
    assert said["views"][0]["total"] > 0 and said["records"]["clicks"] > 0, said
    page.click("#save")
    eventually("how to keep it", lambda: "sql/tried.sql" in page.text("#saving"))
    page.assert_clean()


def outlives_the_api(page, stack):
    page.open(stack.url)
    eventually("the rows", lambda: page.count("#p-ctr tbody tr") > 0)
    stack.stop()
    eventually("the notice", lambda: "does not answer" in page.text("#notice"), 30)
    assert page.count("#p-ctr tbody tr") > 0, "the last numbers are gone"
    eventually("the state", lambda: page.text("#state") == "API away")
    before = page.text("#p-ctr tbody")
    stack.start()
    eventually("the notice to go", lambda: page.js("return document.querySelector('#notice').hidden"), 30)
    eventually("other numbers", lambda: page.text("#p-ctr tbody") != before, 60)
    page.driver.get_log("browser")  # That it could not be reached is in the console, rightly.


def asks_for_a_key_and_polls(page, stack):
    with lambda_like(stack.url) as url:
        page.open(url)
        eventually("the field for the key", lambda: page.count("#notice form") == 1, 20)
        page.keys(KEY, Keys.ENTER)
        eventually("the page to poll", lambda: page.text("#state") == "Every 5 s", 20)
        eventually("rows", lambda: page.count("#p-ctr tbody tr") > 0)
        before = page.text("#p-ctr tbody")
        eventually("other numbers", lambda: page.text("#p-ctr tbody") != before, 60)
        page.open(url + "sql")
        eventually("the editor", lambda: page.count("#catalog details") > 0)
        page.click("#try")
        eventually("why it cannot be tried", lambda: "cannot be tried" in page.text("#results"), 20)
    page.driver.get_log("browser")


def screens(page, stack, folder):
    page.size(1440, 1000)
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.open(stack.url)
        eventually("the funnel", lambda: page.count("#p-funnel svg") == 1, 420)
        eventually("a rate", lambda: page.text("#t-flow b") not in ("–", "0"), 60)
        time.sleep(8)
        page.shot(folder / f"dashboard-{scheme}.png", 1440, 1000)
    page.scheme("light")
    page.size(390, 844)
    page.open(stack.url)
    time.sleep(8)
    page.shot(folder / "dashboard-phone.png", 390, 1400)
    page.size(1440, 1000)
    page.open(stack.url + "sql")
    eventually("the tables", lambda: page.count("#catalog details") > 0)
    page.js("const d = document.querySelector('#draft'); d.value = arguments[0]; d.dispatchEvent(new Event('input'))", SHOWN)
    eventually("no mistake", lambda: "✓" in page.text("#mistakes"))
    page.click("#try")
    eventually("rows", lambda: page.count("#results tbody tr") > 5)
    page.js("scrollTo(0, 0)")
    page.shot(folder / "sql.png", 1440, 1000)


SHOWN = """-- Which products are clicked most, and by how many, every half minute.
CREATE VIEW most_clicked AS
SELECT product_id,
       count(*)                 AS clicks,
       count(DISTINCT user_id)  AS users,
       max(ts) - min(ts)        AS span_ms
FROM clicks
GROUP BY product_id, TUMBLE(ts, INTERVAL '30' SECOND)
HAVING clicks > 1;
"""

CHECKS = [numbers_are_those_of_the_api, it_goes_on_by_itself, own_views_have_a_table_and_a_chart, alerts_come,
          keys_are_text_and_nothing_else, themes, fits_a_phone, keyboard, accessible, sql_is_checked_and_tried,
          outlives_the_api, asks_for_a_key_and_polls]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--weir", required=True)
    arguments.add_argument("--tools", required=True, type=pathlib.Path)
    arguments.add_argument("--screens", action="store_true")
    arguments.add_argument("--rate", default=20)
    arguments.add_argument("--only", default="", help="only the checks with this in their name")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        stack, page = Stack(pathlib.Path(asked.weir).resolve(), work, asked.rate), None
        try:
            stack.start()
            page = Page(work)
            if asked.screens:
                screens(page, stack, ROOT / "docs" / "screens")
                return
            for check in (check for check in CHECKS if asked.only in check.__name__):
                began = time.time()
                axe = (asked.tools / "package" / "axe.min.js",) if check is accessible else ()
                check(page, stack, *axe)
                print(f"ok {check.__name__.replace('_', ' ')} ({time.time() - began:.1f} s)", flush=True)
        except BaseException:
            if page:
                page.shot(asked.tools / "failed.png", 1440, 2000)
                print(f"the page as it was: {asked.tools / 'failed.png'}", file=sys.stderr)
            print((work / "weir.log").read_text()[-2000:], file=sys.stderr)
            raise
        finally:
            if page:
                page.driver.quit()
            stack.stop()


main()
